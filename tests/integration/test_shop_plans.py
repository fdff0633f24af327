"""Plans measured on the demo shop in a real Prometheus, each against what its requests say one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actors.embedded.shop import SERVICES
from actors.embedded.shop.cells import bounds_of
from schemas.measures import (
    Measured,
    MeasuredBudget,
    MeasuredComparison,
    MeasuredForecast,
    MeasuredRows,
    MeasuredSeries,
    MeasuredValue,
)
from schemas.plans import Comparison, Plan, Threshold, TimeRange
from tests.support.measuring import Asked, observatory
from tests.support.shop_prometheus import MeasuredShop, measured_shop
from tests.support.shop_truth import Truth

pytestmark = pytest.mark.integration
HOUR, DAY = 3_600, 86_400


@dataclass
class Expected:
    """The shop's truth over the last hour, and over others."""

    shop: MeasuredShop
    truth: Truth

    @property
    def hour(self) -> TimeRange:
        return self.shop.last(HOUR)

    @property
    def before(self) -> TimeRange:
        return self.shop.last(HOUR, before=HOUR)

    def minutes(self, over: TimeRange, step: int = 60) -> list[TimeRange]:
        """The window in steps."""
        steps = round(over.seconds) // step
        starts = [over.start + timedelta(seconds=step * n) for n in range(steps)]
        return [TimeRange(start=start, end=start + timedelta(seconds=step)) for start in starts]

    def average(self, metric: str, service: str) -> float:
        return float(self.truth.levels(metric, self.hour, service).mean())


@pytest.fixture(scope="module")
def expected() -> Iterator[Expected]:
    with measured_shop() as shop:
        yield Expected(shop, Truth(shop.shop, shop.last(2 * HOUR)))


@pytest.fixture
async def asked(expected: Expected, tmp_path: Path) -> AsyncIterator[Asked]:
    async with observatory(tmp_path, expected.shop.url) as asked:
        yield asked


async def measured(asked: Asked, over: TimeRange, **plan: Any) -> Measured:
    return (await asked.measure(Plan.model_validate({"intent": "metric_query", "range": over, **plan}))).output


Figure = Callable[[Expected], float]
PAYMENT = {"service": "payment"}
MEMORY, LIMIT = "process_resident_memory_bytes", "container_spec_memory_limit_bytes"

VALUES: list[tuple[dict[str, Any], Figure]] = [
    # requests, and their failures
    *(
        ({"metric": "error_rate", "service": one}, lambda e, one=one: e.truth.ratio(e.hour, one))
        for one in SERVICES
    ),
    *(
        ({"metric": "request_rate", "service": one}, lambda e, one=one: e.truth.count(e.hour, one) / HOUR)
        for one in SERVICES
    ),
    ({"metric": "error_rate"}, lambda e: e.truth.ratio(e.hour)),
    ({"metric": "request_rate"}, lambda e: e.truth.count(e.hour) / HOUR),
    ({"metric": "request_rate", "per_seconds": 60, **PAYMENT}, lambda e: e.truth.count(e.hour, "payment") / 60),
    ({"metric": "request_rate", "aggregation": "count", **PAYMENT}, lambda e: e.truth.count(e.hour, "payment")),
    ({"metric": "request_rate", "aggregation": "sum"}, lambda e: e.truth.count(e.hour)),
    ({"metric": "request_rate", "aggregation": "max", **PAYMENT},
     lambda e: max(e.truth.count(one, "payment") for one in e.minutes(e.hour)) / 60),
    ({"metric": "request_rate", "aggregation": "min", "service": "orders"},
     lambda e: min(e.truth.count(one, "orders") for one in e.minutes(e.hour)) / 60),
    ({"metric": "error_rate", "aggregation": "max", **PAYMENT},
     lambda e: max(e.truth.ratio(one, "payment") for one in e.minutes(e.hour))),
    ({"metric": "error_rate", "aggregation": "count", **PAYMENT},
     lambda e: e.truth.count(e.hour, "payment", status="5xx")),
    ({"metric": "error_rate", "status_code": "502", **PAYMENT}, lambda e: e.truth.ratio(e.hour, "payment", "502")),
    ({"metric": "error_rate", "status_code": "4xx", "service": "orders"},
     lambda e: e.truth.ratio(e.hour, "orders", "4xx")),
    ({"metric": "error_rate", "status_code": "500", **PAYMENT}, lambda e: 0.0),
    ({"metric": "request_rate", "status_code": "504", **PAYMENT},
     lambda e: e.truth.count(e.hour, "payment", status="504") / HOUR),
    ({"metric": "request_rate", "endpoint": "GET /orders", "service": "gateway"},
     lambda e: e.truth.count(e.hour, "gateway", "/orders") / HOUR),
    ({"metric": "error_rate", "environment": "production", **PAYMENT}, lambda e: e.truth.ratio(e.hour, "payment")),
    ({"metric": "http_requests_total", "status_code": "200", **PAYMENT},
     lambda e: e.truth.count(e.hour, "payment", status="200") / HOUR),
    # latency
    *(
        ({"metric": "latency", "percentile": at, "service": one},
         lambda e, at=at, one=one: e.truth.quantile(at, e.hour, one))
        for one in ("payment", "inventory", "recommendation") for at in (0.5, 0.95, 0.99)
    ),
    *(
        ({"metric": "latency", "aggregation": "avg", "service": one}, lambda e, one=one: e.truth.mean(e.hour, one))
        for one in ("gateway", "checkout", "orders")
    ),
    ({"metric": "latency", "percentile": 0.99, "aggregation": "max", **PAYMENT},
     lambda e: max(e.truth.quantile(0.99, one, "payment") for one in e.minutes(e.hour))),
    ({"metric": "latency", "aggregation": "count", **PAYMENT}, lambda e: e.truth.count(e.hour, "payment")),
    ({"metric": "latency", "aggregation": "sum", **PAYMENT}, lambda e: e.truth.spent(e.hour, "payment")),
    ({"metric": "llm_duration_seconds", "percentile": 0.9}, lambda e: e.truth.quantile(0.9, e.hour, "model")),
    # resources
    ({"metric": "cpu", **PAYMENT}, lambda e: e.truth.cores(e.hour, "payment")),
    ({"metric": "cpu", "service": "inventory"}, lambda e: e.truth.cores(e.hour, "inventory")),
    ({"metric": "memory", "service": "recommendation"}, lambda e: e.average(MEMORY, "recommendation")),
    ({"metric": "memory", "aggregation": "max", "service": "recommendation"},
     lambda e: e.truth.levels(MEMORY, e.hour, "recommendation").max()),
    ({"metric": "memory", "aggregation": "min", "service": "gateway"},
     lambda e: e.truth.levels(MEMORY, e.hour, "gateway").min()),
    ({"metric": "saturation", "service": "recommendation"},
     lambda e: e.average(MEMORY, "recommendation") / e.average(LIMIT, "recommendation")),
    ({"metric": "connections", **PAYMENT}, lambda e: e.average("db_pool_connections_in_use", "payment")),
    ({"metric": "connections", "aggregation": "max", "service": "inventory"},
     lambda e: e.truth.levels("db_pool_connections_in_use", e.hour, "inventory").max()),
    ({"metric": "queue_depth", "service": "orders"}, lambda e: e.average("http_request_queue_depth", "orders")),
    ({"metric": "replicas", "service": "checkout"}, lambda e: 3.0),
    ({"metric": "service_replicas"}, lambda e: sum(e.average("service_replicas", one) for one in SERVICES)),
    ({"metric": "service_replicas", "aggregation": "count"}, lambda e: len(SERVICES)),
    ({"metric": "availability", **PAYMENT}, lambda e: 1.0),
    ({"metric": "restarts", **PAYMENT}, lambda e: 0.0),
    # the model
    ({"metric": "token_usage"}, lambda e: e.truth.tokens(e.hour)),
    ({"metric": "token_usage", "per_seconds": 60}, lambda e: e.truth.tokens(e.hour) / 60),
    ({"metric": "cost"}, lambda e: e.truth.cost(e.hour)),
    ({"metric": "cost", "service": "recommendation", "aggregation": "avg"}, lambda e: e.truth.cost(e.hour)),
    ({"intent": "cost_query"}, lambda e: e.truth.cost(e.hour)),
    # objectives
    ({"metric": "burn_rate", **PAYMENT}, lambda e: e.truth.ratio(e.hour, "payment") / 0.005),
]  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "figure"), VALUES, ids=lambda part: str(part)[:70] if isinstance(part, dict) else ""
)
async def test_a_value(asked: Asked, expected: Expected, plan: dict[str, Any], figure: Figure) -> None:
    found = (await measured(asked, expected.hour, **plan)).figure
    assert isinstance(found, MeasuredValue), found
    assert found.value == pytest.approx(figure(expected), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_percentile_lies_in_the_bucket_of_the_true_one(
    asked: Asked, expected: Expected, service: str
) -> None:
    found = (await measured(asked, expected.hour, metric="latency", percentile=0.95, service=service)).figure
    assert isinstance(found, MeasuredValue)
    bounds = bounds_of(service)
    true = expected.truth.exact_quantile(0.95, expected.hour, service)
    assert np.searchsorted(bounds, found.value) == np.searchsorted(bounds, true)


ROWS: list[tuple[dict[str, Any], Callable[[Expected], dict[str, float]]]] = [
    ({"metric": "error_rate", "group_by": ("service",)},
     lambda e: {one: e.truth.ratio(e.hour, one) for one in SERVICES}),
    ({"metric": "latency", "group_by": ("service",), "percentile": 0.99},
     lambda e: {one: e.truth.quantile(0.99, e.hour, one) for one in (*SERVICES,)}),
    ({"metric": "request_rate", "group_by": ("endpoint",), "service": "gateway"},
     lambda e: {path: e.truth.count(e.hour, "gateway", path) / HOUR
                for path in ("/checkout", "/orders", "/recommendations")}),
    ({"metric": "request_rate", "group_by": ("status_code",), "aggregation": "count", **PAYMENT},
     lambda e: {code: e.truth.count(e.hour, "payment", status=code) for code in ("200", "502", "503", "504")}),
    ({"metric": "error_rate", "group_by": ("status_code",), **PAYMENT},
     lambda e: {code: e.truth.ratio(e.hour, "payment", code) for code in ("502", "503", "504")}),
    ({"metric": "token_usage", "group_by": ("token_type",)},
     lambda e: {kind: e.truth.tokens(e.hour, kind) for kind in ("prompt", "completion")}),
    ({"metric": "cost", "group_by": ("model",)}, lambda e: {"gpt-4o-mini": e.truth.cost(e.hour)}),
    ({"metric": "saturation", "group_by": ("service",)},
     lambda e: {one: e.average(MEMORY, one) / e.average(LIMIT, one) for one in SERVICES}),
    ({"metric": "error_rate", "group_by": ("environment",)}, lambda e: {"production": e.truth.ratio(e.hour)}),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "rows"), ROWS, ids=lambda part: str(part)[:70] if isinstance(part, dict) else "")
async def test_groups(
    asked: Asked, expected: Expected, plan: dict[str, Any], rows: Callable[[Expected], dict[str, float]]
) -> None:
    found = (await measured(asked, expected.hour, **plan)).figure
    assert isinstance(found, MeasuredRows), found
    (role,) = found.by
    true = rows(expected)
    assert {row.labels[role]: row.value for row in found.rows} == pytest.approx(true, rel=1e-6, abs=1e-12)
    assert found.measured == len(true)
    values = [row.value or 0.0 for row in found.rows]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(("lowest", "top"), [(False, 2), (True, 3)])
async def test_the_first_of_a_ranking(asked: Asked, expected: Expected, lowest: bool, top: int) -> None:
    found = (await measured(asked, expected.hour, metric="request_rate", top=top, lowest=lowest)).figure
    assert isinstance(found, MeasuredRows)
    rates = {one: expected.truth.count(expected.hour, one) for one in SERVICES}
    ranked = sorted(rates, key=lambda one: rates[one], reverse=not lowest)
    assert [row.labels["service"] for row in found.rows] == ranked[:top]
    assert found.measured == len(SERVICES)


@pytest.mark.parametrize(("limit", "text"), [(0.02, "2%"), (0.001, "0.1 %"), (0.5, "50 percent")])
async def test_a_threshold_on_a_value_and_on_groups(
    asked: Asked, expected: Expected, limit: float, text: str
) -> None:
    above = Threshold(operator=">", value=limit, text=text)
    for service in ("payment", "inventory"):
        found = (
            await measured(asked, expected.hour, metric="error_rate", service=service, threshold=above)
        ).figure
        true = expected.truth.ratio(expected.hour, service)
        assert isinstance(found, MeasuredValue)
        assert (found.value, found.met) == (pytest.approx(true), true > limit)
    found = (
        await measured(asked, expected.hour, metric="error_rate", group_by=("service",), threshold=above)
    ).figure
    assert isinstance(found, MeasuredRows)
    true = {one: expected.truth.ratio(expected.hour, one) for one in SERVICES}
    assert {row.labels["service"] for row in found.rows} == {one for one in SERVICES if true[one] > limit}
    assert found.measured == len(SERVICES)


async def test_a_threshold_is_per_second_and_the_answer_per_minute(asked: Asked, expected: Expected) -> None:
    rate = expected.truth.count(expected.hour, "payment") / 60
    for limit, met in ((rate - 1, True), (rate + 1, False)):
        above = Threshold(operator=">=", value=limit / 60, text=f"{limit:g} requests per minute")
        found = (
            await measured(
                asked, expected.hour, metric="request_rate", service="payment", per_seconds=60, threshold=above
            )
        ).figure
        assert isinstance(found, MeasuredValue)
        assert (found.value, found.met) == (pytest.approx(rate), met)


async def test_memory_above_a_share_of_its_limit(asked: Asked, expected: Expected) -> None:
    above = Threshold(operator=">", value=0.4, text="40 %")
    answer = await measured(asked, expected.hour, metric="memory", group_by=("service",), threshold=above)
    assert isinstance(answer.figure, MeasuredRows)
    true = {one: expected.average(MEMORY, one) / expected.average(LIMIT, one) for one in SERVICES}
    assert {row.labels["service"] for row in answer.figure.rows} == {one for one in SERVICES if true[one] > 0.4}
    assert answer.unit == "ratio"


async def test_the_course_and_when_it_was_above(asked: Asked, expected: Expected) -> None:
    """The bad release of payment was there from 02:50 to 03:20."""
    both = expected.shop.last(2 * HOUR)
    above = Threshold(operator=">", value=0.05, text="5%")
    answer = await measured(asked, both, metric="error_rate", service="payment", course=True, threshold=above)
    assert isinstance(answer.figure, MeasuredSeries)
    (course,) = answer.figure.courses
    true = [expected.truth.ratio(one, "payment") for one in expected.minutes(both)]
    assert answer.figure.step_seconds == 60
    assert [value for _, value in course.points] == pytest.approx(true, abs=1e-12)
    assert course.peak == pytest.approx(max(true))
    assert course.peak_at == expected.minutes(both)[int(np.argmax(true))].end
    assert course.mean == pytest.approx(np.mean(true))
    assert [value > 0.05 for value in true] == [
        any(met.start < one.end <= met.end for met in course.met) for one in expected.minutes(both)
    ]
    assert len(answer.translations) == 2


async def test_the_courses_of_the_highest(asked: Asked, expected: Expected) -> None:
    answer = await measured(
        asked, expected.hour, metric="request_rate", course=True, group_by=("service",), top=2, per_seconds=60
    )
    assert isinstance(answer.figure, MeasuredSeries)
    counts = {one: expected.truth.count(expected.hour, one) for one in SERVICES}
    highest = sorted(counts, key=lambda one: -counts[one])[:2]
    assert [course.labels["service"] for course in answer.figure.courses] == highest
    assert answer.figure.measured == len(SERVICES)
    for course in answer.figure.courses:
        true = [expected.truth.count(one, course.labels["service"]) for one in expected.minutes(expected.hour)]
        assert [value for _, value in course.points] == pytest.approx(true)


async def test_this_hour_and_the_one_before(asked: Asked, expected: Expected) -> None:
    other = Comparison(kind="time", range=expected.before)
    answer = await measured(asked, expected.hour, metric="error_rate", service="payment", comparison=other)
    assert isinstance(answer.figure, MeasuredComparison)
    (row,) = answer.figure.rows
    now, then = (expected.truth.ratio(over, "payment") for over in (expected.hour, expected.before))
    assert (row.first, row.second) == (pytest.approx(now), pytest.approx(then))
    assert (row.difference, row.ratio) == (pytest.approx(now - then), pytest.approx(now / then))
    assert answer.figure.second.range == expected.before
    assert "offset 3600s" in answer.translations[1].query


async def test_windows_of_different_lengths_by_group(asked: Asked, expected: Expected) -> None:
    short = expected.shop.last(1_800, before=HOUR)
    other = Comparison(kind="time", range=short)
    answer = await measured(
        asked, expected.hour, metric="latency", percentile=0.9, group_by=("service",), comparison=other
    )
    assert isinstance(answer.figure, MeasuredComparison)
    assert {row.labels["service"] for row in answer.figure.rows} == set(SERVICES)
    for row in answer.figure.rows:
        service = row.labels["service"]
        assert row.first == pytest.approx(expected.truth.quantile(0.9, expected.hour, service))
        assert row.second == pytest.approx(expected.truth.quantile(0.9, short, service))
    assert "offset" not in answer.translations[1].query
    assert answer.translations[1].range == short


async def test_two_services_side_by_side(asked: Asked, expected: Expected) -> None:
    sides = Comparison(kind="service", sides=("payment", "orders"))
    answer = await measured(asked, expected.hour, metric="latency", aggregation="avg", comparison=sides)
    assert isinstance(answer.figure, MeasuredComparison)
    (row,) = answer.figure.rows
    first, second = (expected.truth.mean(expected.hour, one) for one in ("payment", "orders"))
    assert (row.first, row.second, row.ratio) == (
        pytest.approx(first), pytest.approx(second), pytest.approx(first / second),
    )  # fmt: skip
    assert len(answer.translations) == 1


async def test_versions_that_ran_one_after_the_other(asked: Asked, expected: Expected) -> None:
    """Only service_build_info knows the version; a minute counts for the one that runs at its end."""
    both = expected.shop.last(2 * HOUR)
    sides = Comparison(kind="version", sides=("2.5.0", "2.4.0"))
    answer = await measured(asked, both, metric="error_rate", service="payment", comparison=sides)
    assert isinstance(answer.figure, MeasuredComparison)
    (row,) = answer.figure.rows
    ran: dict[str, list[TimeRange]] = {"2.5.0": [], "2.4.0": []}
    for minute in expected.minutes(both):
        life = expected.shop.shop.life("payment", round(minute.end.timestamp() * 1_000_000))
        ran[life.version].append(minute)
    true = {
        version: sum(expected.truth.count(one, "payment", status="5xx") for one in minutes)
        / sum(expected.truth.count(one, "payment") for one in minutes)
        for version, minutes in ran.items()
    }
    assert len(ran["2.5.0"]) == 30
    assert (row.first, row.second) == (pytest.approx(true["2.5.0"]), pytest.approx(true["2.4.0"]))


async def test_a_leak_is_carried_on_from_the_last_restart(asked: Asked, expected: Expected) -> None:
    whole = expected.shop.last(5 * HOUR)
    plan = Plan(
        intent="capacity_forecast", metric="memory", service="recommendation", range=whole, horizon_seconds=HOUR
    )
    answer = await asked.measure(plan)
    figure, evidence = answer.output.figure, answer.evidence[0]
    assert isinstance(figure, MeasuredForecast), figure
    line = expected.shop.shop.line("recommendation", round(whole.end.timestamp() * 1_000_000))
    now = line.at(round(whole.end.timestamp() * 1_000_000))
    assert figure.trend == "rising"
    assert abs(figure.fitted.start.timestamp() - now.started_at / 1e6) <= 600, "from the last start on"
    assert now.killed_at is not None
    assert figure.limit_at is not None
    # The leak fills the room up to the limit in a straight line, a ripple aside.
    assert abs(figure.limit_at.timestamp() - now.killed_at / 1e6) <= 2_400
    assert figure.low < figure.value < figure.high
    assert evidence.result.value == pytest.approx(figure.value), "the backend's own prediction is the line's"


async def test_what_a_cost_is_made_of(asked: Asked, expected: Expected) -> None:
    figure = (await measured(asked, expected.hour, intent="cost_query", service="recommendation")).figure
    assert isinstance(figure, MeasuredValue)
    of = {tuple(detail.labels.items()): detail.value for detail in figure.details}
    assert of == {
        (("model", "gpt-4o-mini"),): pytest.approx(figure.value),
        (("token_type", "prompt"),): pytest.approx(expected.truth.tokens(expected.hour, "prompt")),
        (("token_type", "completion"),): pytest.approx(expected.truth.tokens(expected.hour, "completion")),
    }


async def test_a_cost_over_a_day_ahead(asked: Asked, expected: Expected) -> None:
    answer = await measured(asked, expected.hour, intent="capacity_forecast", metric="cost", horizon_seconds=DAY)
    figure = answer.figure
    assert isinstance(figure, MeasuredForecast)
    assert figure.sums_up
    assert figure.now == pytest.approx(expected.truth.cost(expected.hour))
    assert figure.low < 24 * figure.now < figure.high
    assert answer.unit == "usd"


async def test_the_error_budget(asked: Asked, expected: Expected) -> None:
    answer = await measured(asked, expected.hour, intent="slo_query", service="payment")
    figure = answer.figure
    assert isinstance(figure, MeasuredBudget)
    kept = expected.shop.last(6 * HOUR)
    true = Truth(expected.shop.shop, kept).ratio(kept, "payment")
    assert figure.error_ratio == pytest.approx(true, rel=0.001), "the first sample of all is where counting begins"
    assert figure.left == pytest.approx(1 - figure.error_ratio / 0.005)
    rates = {burn.window_seconds: burn.rate for burn in figure.burns}
    for seconds in (300, 1_800, HOUR):
        over = expected.shop.last(seconds)
        assert rates[seconds] == pytest.approx(expected.truth.ratio(over, "payment") / 0.005)
    assert rates[3 * DAY] is None, "six hours are kept"
    assert figure.covered_seconds == 6 * HOUR
    assert [detail.name for detail in figure.details] == ["latency_p95", "latency_p95_target"]


async def test_an_alarm_while_the_bad_release_was_there(asked: Asked, expected: Expected) -> None:
    """At 03:15, after 25 minutes of nine percent."""
    then = TimeRange(
        start=expected.shop.end - timedelta(minutes=105), end=expected.shop.end - timedelta(minutes=45)
    )
    figure = (await measured(asked, then, intent="slo_query", service="payment")).figure
    assert isinstance(figure, MeasuredBudget)
    burns = {burn.window_seconds: burn.rate or 0.0 for burn in figure.burns}
    paging = burns[300] > 14.4 and burns[HOUR] > 14.4
    assert ("5min/1h" in figure.alerts) == paging
    assert burns[300] == pytest.approx(
        expected.truth.ratio(TimeRange(start=then.end - timedelta(minutes=5), end=then.end), "payment") / 0.005
    )
