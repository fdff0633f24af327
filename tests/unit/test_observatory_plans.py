"""Plans as PromQL: what the plan says is what the parsed query asks, for every plan there may be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actors.adapters.observatory.inventory import Inventory
from actors.adapters.observatory.measuring.build import Builder
from actors.adapters.observatory.measuring.measure import Measuring
from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.sources import Sources
from actors.adapters.observatory.steps import step_of
from actors.platform.config import SloSettings
from schemas.errors import InvalidInput
from schemas.measures import Translation
from schemas.plans import Comparison, Plan, Threshold, TimeRange
from tests.support.promql_tree import Seen, Tree, read
from tests.support.shop_inventory import COUNTERS, GAUGES, SHOP
from tests.support.written_inventory import WrittenInventory

END = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400
SLO = SloSettings(error_rate=0.005, latency_p95_seconds=0.5, window_days=30)
SOURCES = Sources(cast("Inventory", WrittenInventory(SHOP)), {}, {})
MEASURING = Measuring(cast("MetricsBackend", None), Builder(SOURCES, SLO))


def last(seconds: float, before: float = 0) -> TimeRange:
    end = END - timedelta(seconds=before)
    return TimeRange(start=end - timedelta(seconds=seconds), end=end)


def translated(**plan: Any) -> Translation:
    whole = {"intent": "metric_query", "range": last(HOUR), **plan}
    return asyncio.run(MEASURING.translate(Plan.model_validate(whole)))


ANY_TEXT = st.text(max_size=40) | st.text(
    alphabet="\"\\{}[]()\n\r\t'`#,=~|.*+$^\0\x7f ab﻿", min_size=1, max_size=30
)
RATED = ("request_rate", "token_usage", "cost", "restarts", "cpu")
LEVELS = ("memory", "queue_depth", "connections", "replicas", "saturation", "availability")
GROUPS = {
    "error_rate": ("service", "endpoint", "status_code", "environment", "version"),
    "request_rate": ("service", "endpoint", "status_code", "method"),
    "latency": ("service", "version"),
    "token_usage": ("token_type", "model", "service"),
    "cost": ("model", "provider"),
}


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    metric = draw(st.sampled_from(("error_rate", "latency", *RATED, *LEVELS)))
    seconds = draw(st.integers(60, 30 * DAY) | st.sampled_from((300, HOUR, DAY, 7 * DAY, 30 * DAY)))
    over = last(seconds, draw(st.integers(0, DAY)))
    operators = st.sampled_from((">", ">=", "<", "<=", "==", "!="))
    numbers = st.floats(0, 1e6, allow_nan=False) | st.sampled_from((0.02, 0.5, 1e-7))
    threshold = st.builds(
        Threshold, operator=operators, value=numbers, text=st.sampled_from(("2%", "500ms", "7", "7/s"))
    )
    earlier = st.builds(
        lambda apart, length: Comparison(kind="time", range=TimeRange(start=over.start - timedelta(seconds=apart),
            end=over.start - timedelta(seconds=apart) + timedelta(seconds=length or seconds))),
        st.integers(max(seconds, 1), 2 * DAY + seconds), st.none() | st.integers(60, DAY),
    )  # fmt: skip
    grouped = st.lists(st.sampled_from(GROUPS.get(metric, ("service",))), unique=True, max_size=2)
    return Plan(
        intent="metric_query",
        metric=metric,
        range=over,
        service=draw(st.none() | st.sampled_from(("payment", "orders")) | ANY_TEXT) or None,
        environment=draw(st.none() | st.just("production")),
        percentile=draw(st.none() | st.floats(0.01, 0.999)) if metric == "latency" else None,
        aggregation=draw(st.none() | st.sampled_from(("avg", "max", "min", "sum", "count"))),
        group_by=tuple(draw(grouped)),
        top=draw(st.none() | st.integers(1, 1_000)),
        lowest=draw(st.booleans()),
        threshold=draw(st.none() | threshold),
        comparison=draw(st.none() | earlier),
        per_seconds=draw(st.none() | st.sampled_from((60.0, 3_600.0))) if metric in RATED else None,
        course=draw(st.booleans()),
        status_code=draw(st.none() | st.sampled_from(("502", "5xx"))) if metric == "error_rate" else None,
    )


@settings(max_examples=150, deadline=None)
@given(plans())
@example(Plan(intent="metric_query", metric="error_rate", range=last(HOUR), service='"} or vector(1) # '))
@example(Plan(intent="metric_query", metric="latency", range=last(HOUR), service="a\\", course=True, top=3))
def test_what_the_plan_says_is_what_the_query_asks(plan: Plan) -> None:
    translation = asyncio.run(MEASURING.translate(plan))
    for one in (translation, *translation.further):
        tree = read(one.query)
        assert tree.metrics <= {*COUNTERS, *GAUGES}
        for seen in tree.selectors:
            _only_as_it_may(seen)
            _of_the_scope(seen, plan)
        assert all(seen.window <= plan_seconds(plan, one) for seen in tree.selectors)
    _figure_of_the_plan(plan, translation, read(translation.query))


def plan_seconds(plan: Plan, one: Translation) -> float:
    return max(1.0, round(one.range.seconds))


def _only_as_it_may(seen: Seen) -> None:
    """Counters are rated, gauges never are."""
    nearest = seen.around[0] if seen.around else ""
    if seen.metric in COUNTERS:
        assert nearest in ("rate", "increase")
    elif seen.metric == "service_build_info":
        assert nearest in ("timestamp", "max")
    else:
        assert nearest.endswith("_over_time")


def _of_the_scope(seen: Seen, plan: Plan) -> None:
    if plan.service:
        assert seen.value("service") == ("=", plan.service)
    if plan.environment and seen.metric != "service_build_info":
        assert seen.value("environment") == ("=", "production")
    allowed = {"service", "environment", "status", "version"}
    assert {label for label, _, _ in seen.matchers} <= allowed
    assert seen.value("status") in (None, ("=~", "5.."), ("=", "502"))


def _figure_of_the_plan(plan: Plan, translation: Translation, tree: Tree) -> None:
    seconds = round(plan.range.seconds) if plan.range else 0
    course = plan.course and plan.comparison is None
    assert (translation.step_seconds is not None) == course
    windows = {seen.window for seen in tree.selectors if not seen.at_end and seen.window}
    if course:
        assert max(windows) <= max(60, step_of(seconds))
    else:
        assert max(windows) == seconds
    compares = plan.threshold is not None and plan.comparison is None
    if compares and plan.threshold is not None:
        of_a_rate = translation.unit is not None and "_per_" in translation.unit and "/" in plan.threshold.text
        per = plan.per_seconds if of_a_rate else 1.0
        assert tree.comparisons == [(plan.threshold.operator, plan.threshold.value * (per or 1.0))]
    else:
        assert tree.comparisons == []
    quantiles = [numbers for name, numbers in tree.calls if name == "histogram_quantile"]
    if plan.metric == "latency" and plan.aggregation in (None, "max", "min"):
        assert quantiles
        assert all(numbers == pytest.approx((plan.percentile or 0.95,), rel=1e-5) for numbers in quantiles)
    if plan.comparison is not None and plan.comparison.range is not None:
        other = plan.comparison.range
        alike = round(other.seconds) == seconds and plan.range is not None
        offset = (plan.range.end - other.end).total_seconds() if alike and plan.range else 0
        assert {seen.offset for seen in read(translation.further[0].query).selectors} == {offset}
        return
    _grouped(plan, tree, course=course)


def _grouped(plan: Plan, tree: Tree, *, course: bool) -> None:
    grouped = plan.group_by or (("service",) if plan.top else ())
    labels = {"status_code": "status", "endpoint": "route"}
    wanted = {labels.get(role, role) for role in grouped}
    kinds = [one for one in tree.aggregations if one.op not in ("topk", "bottomk", "max", "count") and one.by]
    ranks = [one for one in tree.aggregations if one.op in ("topk", "bottomk") and not one.by]
    if wanted:
        assert any(wanted <= set(one.by) for one in tree.aggregations)
    else:
        assert {label for one in kinds for label in one.by} <= {"le"}
    if plan.top is not None or (course and wanted):
        assert [one.parameter for one in ranks] == [float(plan.top or 10)]
        assert ranks[0].op == ("bottomk" if plan.lowest else "topk")
    else:
        assert ranks == []


def test_the_queries_as_they_are_written() -> None:
    payment = {"service": "payment"}
    total = 'sum(increase(http_requests_total{service="payment"}[3600s]))'
    failed = 'sum(increase(http_requests_total{service="payment",status=~"5.."}[3600s]))'
    above = Threshold(operator=">", value=0.02, text="2 %")
    assert translated(metric="error_rate", threshold=above, **payment).query == (
        f"(({failed} or 0 * {total}) / {total}) > 0.02"
    )
    assert translated(metric="latency", percentile=0.99, top=3).query == (
        "topk(3, histogram_quantile(0.99, sum by (service, le) "
        "(increase(http_request_duration_seconds_bucket[3600s]))))"
    )
    assert translated(metric="request_rate", per_seconds=60, **payment).query == (
        '60 * (sum(rate(http_requests_total{service="payment"}[3600s])))'
    )
    assert translated(metric="memory", aggregation="max", **payment).query == (
        'max(max_over_time(process_resident_memory_bytes{service="payment"}[3600s]))'
    )
    assert translated(metric="cost", range=last(DAY)).query == "sum(increase(llm_cost_usd_total[86400s]))"
    assert translated(metric="burn_rate", **payment).query == f"200 * (({failed} or 0 * {total}) / {total})"


def test_a_forecast_carries_a_line_on() -> None:
    found = translated(
        intent="capacity_forecast", metric="memory", service="payment", range=last(DAY), horizon_seconds=7 * DAY
    )
    tree = read(found.query)
    assert tree.calls[0] == ("predict_linear", (7.0 * DAY,))
    assert {seen.window for seen in tree.selectors} == {DAY}
    assert found.further[0].step_seconds == 900


def test_an_objective_is_of_its_own_window() -> None:
    found = translated(intent="slo_query", service="payment")
    windows = [max(seen.window for seen in read(one.query).selectors) for one in (found, *found.further)]
    assert windows == [30 * DAY, 30 * DAY, 30 * DAY, 300, 1_800, HOUR, 6 * HOUR, 3 * DAY, HOUR]
    assert all(seen.value("service") == ("=", "payment") for seen in read(found.query).selectors)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"metric": "gpu"}, "no metric for the GPU use"),
        ({"metric": "latency", "endpoint": "/x"}, "no label for endpoint"),
        ({"metric": "latency", "range": last(31 * DAY)}, "longer than 30 days"),
        ({}, "names no metric"),
        ({"metric": "latency", "comparison": Comparison(kind="service", sides=("payment",))}, "needs its sides"),
        ({"metric": "a metric", "service": "payment"}, "no metric named"),
    ],
)
def test_what_cannot_be_translated_says_why(plan: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        translated(**plan)


def test_every_query_says_in_words_what_it_computes() -> None:
    found = translated(
        metric="latency", percentile=0.99, group_by=("service",), top=3, environment="production",
        threshold=Threshold(operator=">", value=0.5, text="500ms"),
    )  # fmt: skip
    assert found.explanation == (
        "the 0.99 quantile from the buckets of http_request_duration_seconds, by service "
        "of environment production, over 1 h; kept only where it is > 500ms; the 3 highest"
    )
    assert found.unit == "seconds"
