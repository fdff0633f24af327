"""The observatory's judgements and cuts, without a backend."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from actors.adapters.observatory.asking import Found
from actors.adapters.observatory.catalogue import reachable
from actors.adapters.observatory.evidence import LARGEST_RESULT_BYTES, row, shown
from actors.adapters.observatory.health import judge
from actors.adapters.observatory.metric import slo_target, within, worst_first
from actors.adapters.observatory.prometheus_wire import types
from actors.adapters.observatory.promql import Query
from actors.adapters.observatory.questions import Question
from actors.adapters.observatory.raw import usual_step
from actors.adapters.observatory.readings import Reading, Sample, Series
from actors.platform.config import SloSettings
from schemas.adapters import Evidence, EvidenceRange, EvidenceResult, MetricAnswer, MetricQuestion
from schemas.errors import BackendUnavailable
from schemas.plans import TimeRange

START, END = datetime(2026, 3, 1, 11, tzinfo=UTC), datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = TimeRange(start=START, end=END)
SLO = SloSettings(error_rate=0.005, latency_p95_seconds=0.5, window_days=30)


def found(value: float | None) -> Found:
    """A grouped reading in which the service `a` has this value; None: no sample."""
    samples = () if value is None else (Sample({"service": "a"}, value),)
    nothing = EvidenceResult(kind="none", name="x")
    evidence = Evidence(
        module="observatory",
        backend="b",
        language="promql",
        query="up",
        range=EvidenceRange(start=START, end=END),
        result=nothing,
    )
    return Found(Question("x", None, Query("up"), ("service",)), Reading("vector", samples), evidence, ())


@pytest.mark.parametrize(
    ("figures", "status", "reasons"),
    [
        ((0.001, 0.1, 5.0, 2, 2), "healthy", ()),
        ((0.001, 0.1, 5.0, None, None), "healthy", ()),
        ((None, None, None, None, None), "unknown", ("the backend has no data about it in this time range",)),
        ((None, None, 0.0, None, None), "unknown", ("the backend has no data about it in this time range",)),
        ((None, None, None, 1, 1), "healthy", ("it had no requests in this time range",)),
        ((0.001, 0.1, 5.0, 0, 2), "down", ("none of its 2 instances is up",)),
        ((0.001, 0.1, 5.0, 1, 2), "degraded", ("1 of its 2 instances are down",)),
        ((0.005, 0.1, 5.0, 2, 2), "degraded", ("its error rate of 0.50% is not below the target of 0.50%",)),
        ((0.0, 0.75, 5.0, 2, 2), "degraded", ("its p95 latency of 750 ms is not below the target of 500 ms",)),
    ],
)
def test_a_service_s_status_and_its_reasons(
    figures: tuple[float | None, ...], status: str, reasons: tuple[str, ...]
) -> None:
    (judged,) = judge(["a"], [found(value) for value in figures], SLO)
    assert (judged.status, judged.reasons) == (status, reasons)


@pytest.mark.parametrize(
    ("value", "target", "verdict"),
    [(0.1, 0.5, True), (0.5, 0.5, False), (None, 0.5, None), (0.1, None, None), (0.0, 0.5, True)],
)
def test_within_a_target_is_strictly_below(
    value: float | None, target: float | None, verdict: bool | None
) -> None:
    assert within(value, target) is verdict


def test_a_latency_target_is_of_the_95th_percentile_only() -> None:
    def target(percentile: float | None) -> float | None:
        return slo_target(MetricQuestion(metric="latency", percentile=percentile, range=HOUR), SLO)

    assert (target(None), target(0.95), target(0.99)) == (0.5, 0.5, None)
    assert slo_target(MetricQuestion(metric="request_rate", range=HOUR), SLO) is None


def test_worst_first_and_no_data_last() -> None:
    figures = [
        MetricAnswer(metric="error_rate", service=name, value=value, unit="ratio")
        for name, value in (("none", None), ("low", 0.1), ("zero", 0.0), ("high", 0.9))
    ]
    assert [figure.service for figure in worst_first(figures)] == ["high", "low", "zero", "none"]


def test_types_of_metrics_as_the_first_target_says() -> None:
    body = (
        b'{"status":"success","data":{"a_total":[{"type":"counter","help":"A.","unit":""},{"type":"gauge"}],'
        b'"b":[{"type":"unknown"}],"c":[]}}'
    )
    assert types(body, "Prometheus") == {"a_total": "counter"}
    with pytest.raises(BackendUnavailable, match="not Prometheus' API"):
        types(b'{"status":"success","data":[]}', "Prometheus")


def test_dependencies_nearest_first_each_once() -> None:
    graph = {"a": ("b", "c"), "b": ("d",), "c": ("d", "a"), "d": ("b",), "z": ("a",)}
    assert reachable(graph, "a") == ("b", "c", "d")
    assert reachable(graph, "nowhere") == ()


def test_one_value_without_labels_is_a_scalar_and_nothing_is_none() -> None:
    assert shown("n", "u", Reading("vector", (Sample({}, 0.0),))).result == EvidenceResult(
        kind="scalar", name="n", value=0.0, unit="u"
    )
    assert shown("n", "u", Reading("vector")).result.kind == "none"
    assert shown("n", "u", Reading("vector", (Sample({}, None),))).result.kind == "none"
    assert shown("n", "u", Reading("vector", (Sample({"a": "b"}, 1.0),))).result.kind == "table"


def test_a_label_called_value_is_not_lost() -> None:
    assert row(Sample({"value": "text"}, 1.0)) == {"exported_value": "text", "value": 1.0}


def test_a_large_table_is_cut_and_the_cut_is_said() -> None:
    told = shown("n", None, Reading("vector", tuple(Sample({"id": f"{n:0500}"}, n) for n in range(2_000))))
    assert len(json.dumps(told.result.value)) <= LARGEST_RESULT_BYTES
    assert 400 < len(told.result.value) < 520
    assert told.degraded[0].reason.endswith("of 2,000 rows are shown: a result has at most 256 KB")


def test_a_single_series_that_is_too_large_keeps_its_newest_points() -> None:
    points = tuple((1_772_000_000.0 + n, n / 7) for n in range(11_000))
    told = shown("n", None, Reading("matrix", series=(Series({"a": "b"}, points),)))
    (only,) = told.result.value
    assert only["points"][-1] == list(points[-1])
    assert len(json.dumps(told.result.value)) <= LARGEST_RESULT_BYTES
    assert "newest" in told.degraded[0].reason


@pytest.mark.parametrize(("seconds", "step"), [(60, 15.0), (3_600, 15.0), (86_400, 360.0)])
def test_the_usual_step(seconds: int, step: float) -> None:
    end = datetime.fromtimestamp(START.timestamp() + seconds, UTC)
    assert usual_step(TimeRange(start=START, end=end)) == step
