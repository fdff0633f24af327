"""The table of conventions, the forms of names, lines through points, metrics by their own names."""

from __future__ import annotations

import asyncio
import math
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.adapters.observatory.conventions import CONVENTIONS, TABLE, load
from actors.adapters.observatory.forms import meant
from actors.adapters.observatory.freshness import Fresh
from actors.adapters.observatory.measuring.lines import fit, flat, since_last_fall, student, trend
from actors.adapters.observatory.owned import near, owned
from actors.adapters.observatory.promql import Matcher
from actors.adapters.observatory.scope import Scope, method_and_path, scope_of
from actors.adapters.observatory.steps import points_of, step_of, window_of
from schemas.errors import BackendUnavailable
from schemas.plans import Plan, TimeRange

# --- the table -------------------------------------------------------------------------------------


def test_every_concept_of_the_design_has_a_way_to_be_measured() -> None:
    design = [
        "latency", "error_rate", "request_rate", "cpu", "memory", "disk", "gpu", "availability", "restarts",
        "queue_depth", "consumer_lag", "connections", "cache_hit_rate", "token_usage", "ttft", "cost",
        "saturation", "replicas", "error_budget", "burn_rate",
    ]  # fmt: skip
    assert set(design) <= set(CONVENTIONS.concepts)
    composed = {"saturation", "error_budget", "burn_rate"}
    for name in set(design) - composed:
        assert CONVENTIONS.of(name), name
    for part in CONVENTIONS.concepts["saturation"].worst:
        assert any(signal.unit == "ratio" for signal in CONVENTIONS.of(part)), part


def test_the_conventions_are_tried_in_the_order_of_the_design() -> None:
    order = list(dict.fromkeys(signal.convention for signal in CONVENTIONS.signals))
    assert order[:6] == [
        "OpenTelemetry HTTP", "OpenTelemetry GenAI", "Prometheus clients", "Istio", "Kubernetes", "node exporter",
    ]  # fmt: skip


def test_no_gauge_is_rated_and_no_counter_is_a_level() -> None:
    for signal in CONVENTIONS.signals:
        name = signal.metric.metric
        counted = name.endswith(("_total", "_duration_seconds_count", "_seconds_count", "_milliseconds_count"))
        counted |= name.endswith(("_duration_count", "_sum"))
        assert counted == (signal.kind == "counter"), signal
        assert signal.unit == "ratio" or not (signal.of or signal.share)


def test_a_signal_is_selectors_and_matchers() -> None:
    istio = next(signal for signal in CONVENTIONS.of("latency") if signal.convention == "Istio")
    assert istio.metric.matchers == (Matcher("reporter", "=", "destination"),)
    assert (istio.scale, istio.labels["service"][0]) == (0.001, "destination_service_name")
    assert istio.needs == {"istio_request_duration_milliseconds_count"}


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ('{ concept = "latency" }', "one of counter"),
        ('{ concept = "latency", counter = "a_total", gauge = "b" }', "one of counter"),
        ('{ concept = "latency", counter = "rate(a_total[5m])" }', "is no selector"),
        ('{ concept = "latency", counter = "a_total", scael = 2 }', "scael"),
    ],
)
def test_a_broken_table_is_refused(tmp_path: Path, broken: str, words: str) -> None:
    path = tmp_path / "conventions.toml"
    path.write_text(f'{TABLE.read_text("utf-8")}\n[[convention]]\nname = "mine"\nsignals = [{broken}]\n')
    with pytest.raises(ValueError, match=words):
        load(path)


# --- the forms of names ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "label", "wanted", "there", "found"),
    [
        ("service", "service", "payment", ("payment", "payment-svc"), ("payment",)),
        ("service", "job", "payment", ("shop/payment", "shop/orders"), ("shop/payment",)),
        ("service", "app", "payment", ("Payment-Service", "payments"), ("Payment-Service",)),
        ("service", "app", "payment_api", ("payment-service",), ("payment-service",)),
        ("service", "pod", "pay", ("pay-7d9f8c6b5-x2x4z", "pay-0", "pay-x2x4z", "payroll-0", "pay-gateway-0"),
         ("pay-7d9f8c6b5-x2x4z", "pay-0", "pay-x2x4z")),
        ("service", "app", "pay", ("pay-7d9f8c6b5-x2x4z",), ()),
        ("environment", "env", "production", ("prod", "staging", "PRD"), ("prod", "PRD")),
        ("environment", "env", "production", ("production", "prod"), ("production",)),
        ("version", "version", "2.5.0", ("v2.5.0", "2.5.1"), ("v2.5.0",)),
        ("host", "instance", "web-1", ("web-1:9100", "web-1.example.net", "web-10:9100"),
         ("web-1:9100", "web-1.example.net")),
        ("host", "instance", "fe80::1", ("fe80::1",), ("fe80::1",)),
        ("endpoint", "route", "/pay/", ("/pay", "/pay/x"), ("/pay",)),
        ("pod", "pod", "pay-0", ("pay-0-x",), ()),
        ("kind", "kind", "mail", ("mail", ""), ("mail",)),
    ],
)  # fmt: skip
def test_which_values_are_meant(
    role: str, label: str, wanted: str, there: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert meant(role, label, wanted, there) == found


def test_the_scope_of_a_plan() -> None:
    plan = Plan(
        intent="metric_query", service="payment", endpoint="post /pay", host="web-1", group_by=("pod", "pod")
    )
    scope = scope_of(plan)
    assert scope.wanted == {
        "service": ("payment",), "endpoint": ("/pay",), "method": ("POST",), "host": ("web-1",),
    }  # fmt: skip
    assert (scope.by, scope.of_hosts) == (("pod",), False)
    assert Scope({"host": ("web-1",)}).of_hosts
    several = scope_of(Plan(intent="slo_query", slots={"services": "a,b"}))
    assert (several.wanted, several.by) == ({"service": ("a", "b")}, ("service",))
    assert method_and_path("/a b") == ("", "/a b")


# --- own names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "types", "kind", "metric", "unit", "scale"),
    [
        ("jobs_total", {}, "counter", "jobs_total", "count", 1),
        ("jobs", {}, "counter", "jobs_total", "count", 1),
        ("wait_seconds", {}, "histogram", "wait_seconds", "seconds", 1),
        ("wait_seconds_bucket", {}, "histogram", "wait_seconds", "seconds", 1),
        ("wait_seconds_count", {}, "counter", "wait_seconds_count", "count", 1),
        ("wait_seconds_sum", {}, "counter", "wait_seconds_sum", "seconds", 1),
        ("size_bytes", {}, "gauge", "size_bytes", "bytes", 1),
        ("size_bytes", {"size_bytes": "counter"}, "counter", "size_bytes", "bytes", 1),
        ("lag_milliseconds", {}, "gauge", "lag_milliseconds", "seconds", 0.001),
        ("fill_percent", {"fill_percent": "gauge"}, "gauge", "fill_percent", "ratio", 0.01),
        ("odd", {"odd": "summary"}, "gauge", "odd", "count", 1),
        ("activity_count", {}, "gauge", "activity_count", "count", 1),
    ],
)
def test_a_metric_by_its_own_name(
    name: str, types: dict[str, str], kind: str, metric: str, unit: str, scale: float
) -> None:
    there = {
        "jobs_total", "wait_seconds_bucket", "wait_seconds_count", "wait_seconds_sum", "size_bytes",
        "lag_milliseconds", "fill_percent", "odd", "activity_count",
    }  # fmt: skip
    signal = owned(name, there, types)
    assert signal is not None
    assert (signal.kind, signal.metric.metric, signal.unit, signal.scale) == (kind, metric, unit, scale)


def test_what_is_not_there_has_near_names() -> None:
    there = {"db_pool_connections_max", "db_pool_connections_in_use", "up"}
    assert owned("db_pool", there, {}) is None
    assert near("db_pool", there) == ("db_pool_connections_max", "db_pool_connections_in_use")
    assert near("xyz", there) == ()


# --- lines and steps -------------------------------------------------------------------------------

NUMBERS = st.floats(-1e6, 1e6)


@given(st.lists(NUMBERS, min_size=5, max_size=50), st.floats(-100, 100), NUMBERS)
def test_a_line_is_the_least_squares_one(noise: list[float], slope: float, level: float) -> None:
    points = [(1e9 + 60.0 * n, level + slope * n + value) for n, value in enumerate(noise)]
    line = fit(points)
    assert line is not None
    expected = np.polyfit([60.0 * n for n in range(len(points))], [value for _, value in points], 1)
    reach = 60.0 * len(points)
    at_end = float(np.polyval(expected, reach))
    assert line.at(1e9 + reach) == pytest.approx(at_end, rel=1e-6, abs=1e-3)


def test_the_interval_holds_what_it_says() -> None:
    """Of single values that scatter normally around a line, 95 in 100."""
    rng = random.Random(7)
    inside = 0
    for _ in range(400):
        points = [(60.0 * n, 3.0 * n + rng.gauss(0, 5)) for n in range(12)]
        line = fit(points)
        assert line is not None
        later, true = 60.0 * 20, 60.0 + rng.gauss(0, 5)
        inside += abs(true - line.at(later)) <= line.margin(later)
    assert 0.92 <= inside / 400 <= 0.98


@pytest.mark.parametrize(("freedom", "quantile"), [(5, 2.571), (10, 2.228), (30, 2.042), (1_000, 1.962)])
def test_student(freedom: int, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, abs=0.005)


def test_too_few_points_have_no_line() -> None:
    assert fit([(0.0, 1.0)] * 4) is None
    assert fit([(5.0, 1.0)] * 9) is None


def test_trends() -> None:
    up = [(60.0 * n, float(n)) for n in range(20)]
    assert trend(up) == "rising"
    assert trend([(time, -value) for time, value in up]) == "falling"
    assert trend([(time, 5.0) for time, _ in up]) == "steady"
    assert trend([(time, float(n % 2) * 10) for n, (time, _) in enumerate(up)]) in ("unclear", "steady")
    assert trend(up[:3]) == "unclear"
    level = flat([(time, 5.0 + n % 2) for n, (time, _) in enumerate(up)])
    assert (level.slope, level.at(1e6)) == (0.0, 5.5)


def test_a_line_begins_after_the_last_fall() -> None:
    saw = [(60.0 * n, float(n % 12)) for n in range(32)]
    assert since_last_fall(saw) == saw[24:]
    noise = [(60.0 * n, 10.0 + math.sin(9.0 * n)) for n in range(60)]
    assert since_last_fall(noise) == noise
    late = saw[:26]
    assert since_last_fall(late) == late, "two points after the fall are too few"


@pytest.mark.parametrize(
    ("seconds", "step"), [(60, 15), (1_800, 15), (3_600, 60), (86_400, 900), (30 * 86_400, 21_600)]
)
def test_steps(seconds: int, step: int) -> None:
    assert step_of(seconds) == step
    assert seconds / step <= 120 + 1
    assert window_of(step) == max(step, 60)


def test_the_points_of_a_course_are_the_ends_of_its_steps() -> None:
    start, end = datetime(2026, 1, 1, 11, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)
    points = points_of(TimeRange(start=start, end=end), 60)
    assert (points.start.minute, points.end) == (1, end)
    assert points_of(TimeRange(start=start, end=end), 7_200) == TimeRange(start=start, end=end)


# --- what holds for a while ------------------------------------------------------------------------


async def test_asked_once_for_many_and_kept_while_the_source_is_away() -> None:
    asked: list[int] = []
    away = False

    async def ask() -> int:
        asked.append(1)
        await asyncio.sleep(0)
        if away:
            raise BackendUnavailable("gone")
        return len(asked)

    fresh: Fresh[int] = Fresh(ask, ttl_seconds=0.0)
    kept: Fresh[int] = Fresh(ask, ttl_seconds=60.0)
    assert await asyncio.gather(*(kept.current() for _ in range(9))) == [1] * 9
    assert (await fresh.usable(), fresh.last) == (2, 2)
    away = True
    assert await fresh.usable() == 2
    with pytest.raises(BackendUnavailable):
        await fresh.current()
    assert len(asked) == 3, "not asked again so soon"
    never: Fresh[Any] = Fresh(ask, ttl_seconds=60.0)
    with pytest.raises(BackendUnavailable):
        await never.usable()
