"""The observatory's actions over the bus, with a real Prometheus whose figures are known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import BaseModel

from actors.adapters.actor import AdaptersActor
from actors.platform.bus import Bus
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.pool.actor import Place
from schemas.adapters import (
    CATALOGUE,
    HEALTH,
    METRIC,
    QUERY,
    STATE,
    UPSTREAM,
    Action,
    BackendStates,
    Catalogue,
    Command,
    HealthAnswer,
    MetricAnswer,
    Outcome,
    UpstreamAnswer,
)
from schemas.errors import BackendUnavailable, InvalidInput
from schemas.identity import LOCAL_ADMINISTRATOR
from schemas.subjects import ACT, METRICS
from schemas.system import MetricsRequest
from tests.support.prometheus import MeasuredPrometheus, WrittenSeries, measured_prometheus, steady
from tests.support.servers import settings_for
from tests.support.shop_history import HISTORY, ODD_NAME, PAYMENT_RATES

pytestmark = pytest.mark.integration
HOUR = 3_600
FAILED = (PAYMENT_RATES["502"] + PAYMENT_RATES["504"]) * HOUR
TOTAL = sum(PAYMENT_RATES.values()) * HOUR


class Asking:
    """What the other pools see of the adapters: the bus."""

    def __init__(self, bus: Bus, directory: Path) -> None:
        self.bus = bus
        self.directory = directory

    async def outcome(self, action: Action[Any, Any], **values: Any) -> Outcome:
        given = {
            key: value.model_dump(mode="json") if isinstance(value, BaseModel) else value
            for key, value in values.items()
        }
        command = Command(identity=LOCAL_ADMINISTRATOR, input=given)
        return await self.bus.request(ACT, command, module=action.module, action=action.name)

    async def metric(self, **values: Any) -> MetricAnswer:
        return MetricAnswer.model_validate((await self.outcome(METRIC, **values)).output)


@asynccontextmanager
async def adapters(directory: Path, url: str, **environment: str) -> AsyncGenerator[Asking]:
    settings = settings_for(directory, COPILOT_OBSERVATORY__PROMETHEUS_URL=url, **environment)
    server = MemoryServer()
    actor = AdaptersActor(Place("adapters", "adapters-0", settings), MemoryTransport(server))
    bus = Bus(MemoryTransport(server), "test")
    await bus.connect()
    await actor.start()
    try:
        yield Asking(bus, directory)
    finally:
        await actor.stop()
        await bus.close()


@pytest.fixture(scope="module")
def prometheus() -> Iterator[MeasuredPrometheus]:
    with measured_prometheus(HISTORY) as running:
        yield running


@pytest.fixture
async def asking(prometheus: MeasuredPrometheus, tmp_path: Path) -> AsyncIterator[Asking]:
    async with adapters(tmp_path, prometheus.url) as asking:
        yield asking


async def directly(url: str, query: str, at: datetime) -> list[dict[str, Any]]:
    parameters = {"query": query, "time": str(at.timestamp())}
    async with aiohttp.ClientSession() as http, http.get(f"{url}/api/v1/query", params=parameters) as response:
        return (await response.json())["data"]["result"]


# --- metric ----------------------------------------------------------------------------------------


async def test_the_error_rate_and_its_breakdown(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    found = await asking.metric(metric="error_rate", service="payment", range=prometheus.last(HOUR))
    assert found.value == pytest.approx(FAILED / TOTAL)
    assert found.unit == "ratio"
    assert found.total_requests == pytest.approx(TOTAL)
    assert found.failed_requests == pytest.approx(FAILED)
    assert [failure.status for failure in found.failures] == ["502", "504"]
    assert [failure.count for failure in found.failures] == pytest.approx([72, 36])
    assert [failure.share for failure in found.failures] == pytest.approx([2 / 3, 1 / 3])
    assert (found.slo_target, found.within_slo) == (0.005, True)


async def test_each_figure_is_what_its_evidence_query_gives_directly(
    asking: Asking, prometheus: MeasuredPrometheus
) -> None:
    over = prometheus.last(HOUR)
    outcome = await asking.outcome(METRIC, metric="error_rate", service="payment", range=over)
    ratio, total, failures = outcome.evidence
    assert ratio.query == (
        '(sum(increase(http_requests_total{service="payment",status=~"5.."}[3600s]))'
        ' or 0 * sum(increase(http_requests_total{service="payment"}[3600s])))'
        ' / sum(increase(http_requests_total{service="payment"}[3600s]))'
    )
    assert (ratio.result.kind, ratio.result.name, ratio.result.unit) == ("scalar", "error_ratio", "ratio")
    assert (ratio.module, ratio.backend, ratio.language) == ("observatory", "prometheus", "promql")
    assert (ratio.range.start, ratio.range.end) == (over.start, over.end)
    for evidence in (ratio, total):
        (sample,) = await directly(prometheus.url, evidence.query, over.end)
        assert evidence.result.value == float(sample["value"][1])
    assert failures.result.kind == "table"
    rows = {row["status"]: row["value"] for row in failures.result.value}
    samples = await directly(prometheus.url, failures.query, over.end)
    assert rows == {one["metric"]["status"]: float(one["value"][1]) for one in samples}
    assert outcome.output["value"] == ratio.result.value


async def test_no_errors_are_zero_and_not_no_data(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    found = await asking.metric(metric="error_rate", service="orders", range=prometheus.last(HOUR))
    assert (found.value, found.failed_requests, found.failures) == (0.0, 0.0, ())
    assert found.total_requests == pytest.approx(5 * HOUR)
    assert found.within_slo is True


async def test_no_requests_have_no_error_rate(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    outcome = await asking.outcome(METRIC, metric="error_rate", service="idle", range=prometheus.last(HOUR))
    found = MetricAnswer.model_validate(outcome.output)
    assert (found.value, found.total_requests, found.failed_requests) == (None, 0.0, 0.0)
    assert found.within_slo is None
    assert outcome.evidence[0].result.kind == "none"


async def test_a_service_without_series_has_no_figures(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    outcome = await asking.outcome(METRIC, metric="error_rate", service="nowhere", range=prometheus.last(HOUR))
    found = MetricAnswer.model_validate(outcome.output)
    assert (found.value, found.total_requests, found.failed_requests, found.failures) == (None, None, None, ())
    assert [evidence.result.kind for evidence in outcome.evidence] == ["none"] * 3


async def test_all_services_together(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    found = await asking.metric(metric="error_rate", range=prometheus.last(HOUR))
    total = sum(PAYMENT_RATES.values()) + 5 + 10 + 2
    assert found.value == pytest.approx((0.03 + 1 + 1) / total)
    assert found.service is None


async def test_the_range_s_end_is_the_instant_asked_about(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    over = prometheus.last(HOUR)
    early = {"start": (over.start - timedelta(seconds=5_400)).isoformat(), "end": over.start.isoformat()}
    outcome = await asking.outcome(METRIC, metric="request_rate", service="orders", range=early)
    # The counter began at zero 3,600 s before this instant: rate() spreads that growth over the whole window.
    assert outcome.output["value"] == pytest.approx(5 * HOUR / 5_400)
    assert "[5400s]" in outcome.evidence[0].query


@pytest.mark.parametrize(
    ("percentile", "seconds", "target"), [(None, 0.375, 0.5), (0.95, 0.375, 0.5), (0.7, 0.175, None)]
)
async def test_latency_by_percentile(
    asking: Asking, prometheus: MeasuredPrometheus, percentile: float | None, seconds: float, target: float | None
) -> None:
    found = await asking.metric(
        metric="latency", service="payment", percentile=percentile, range=prometheus.last(HOUR)
    )
    assert found.value == pytest.approx(seconds)  # linear within its bucket, as histogram_quantile does
    assert (found.unit, found.percentile) == ("seconds", percentile or 0.95)
    assert (found.slo_target, found.within_slo) == (target, True if target else None)


async def test_the_request_rate(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    found = await asking.metric(metric="request_rate", service="payment", range=prometheus.last(HOUR))
    assert found.value == pytest.approx(sum(PAYMENT_RATES.values()))
    assert (found.unit, found.slo_target) == ("requests_per_second", None)


async def test_a_name_full_of_syntax_asks_for_that_service_and_no_other(
    asking: Asking, prometheus: MeasuredPrometheus
) -> None:
    over = prometheus.last(HOUR)
    odd = await asking.metric(metric="error_rate", service=ODD_NAME, range=over)
    assert odd.value == pytest.approx(0.5)
    attack = '"} or http_requests_total{service="payment'
    assert (await asking.metric(metric="error_rate", service=attack, range=over)).total_requests is None


async def test_more_than_thirty_days_are_refused(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    over = prometheus.last(31 * 86_400)
    with pytest.raises(InvalidInput, match="longer than 30 days") as refused:
        await asking.outcome(METRIC, metric="error_rate", range=over)
    assert refused.value.violations[0].pointer == "/range"


# --- upstream and health ---------------------------------------------------------------------------


async def test_upstream_is_the_same_question_for_all_that_it_calls(
    asking: Asking, prometheus: MeasuredPrometheus
) -> None:
    over = prometheus.last(HOUR)
    outcome = await asking.outcome(UPSTREAM, metric="error_rate", service="checkout", range=over)
    found = UpstreamAnswer.model_validate(outcome.output)
    assert [figure.service for figure in found.figures] == ["inventory", "payment", "orders"]
    for figure in found.figures:
        alone = await asking.metric(metric="error_rate", service=figure.service, range=over)
        assert figure.value == pytest.approx(alone.value)
        assert figure.total_requests == pytest.approx(alone.total_requests)
        assert [one.status for one in figure.failures] == [one.status for one in alone.failures]
        assert figure.within_slo == alone.within_slo
    assert len(outcome.evidence) == 3
    assert {row["service"] for row in outcome.evidence[0].result.value} == {"inventory", "payment", "orders"}


async def test_no_data_comes_last_among_the_dependencies(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    outcome = await asking.outcome(UPSTREAM, metric="latency", service="checkout", range=prometheus.last(HOUR))
    found = UpstreamAnswer.model_validate(outcome.output)
    assert [(figure.service, figure.value is None) for figure in found.figures] == [
        ("inventory", False),
        ("payment", False),
        ("orders", True),
    ]


async def test_upstream_without_dependencies_or_service(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    over = prometheus.last(HOUR)
    outcome = await asking.outcome(UPSTREAM, metric="error_rate", service="payment", range=over)
    assert outcome.output["figures"] == []
    with pytest.raises(InvalidInput) as refused:
        await asking.outcome(UPSTREAM, metric="error_rate", range=over)
    assert refused.value.violations[0].pointer == "/service"


async def test_health_of_all_services(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    outcome = await asking.outcome(HEALTH, range=prometheus.last(HOUR))
    found = {one.service: one for one in HealthAnswer.model_validate(outcome.output).services}
    assert {name: one.status for name, one in found.items()} == {
        "ghost": "down",
        "inventory": "degraded",
        "orders": "degraded",
        ODD_NAME: "degraded",
        "checkout": "unknown",
        "idle": "healthy",
        "payment": "healthy",
    }
    assert (found["orders"].instances_up, found["orders"].instances) == (2, 3)
    assert found["orders"].reasons == ("1 of its 3 instances are down",)
    assert [reason.split(" of ")[0] for reason in found["inventory"].reasons] == [
        "its error rate",
        "its p95 latency",
    ]
    assert found["payment"].latency_p95_seconds == pytest.approx(0.375)
    assert found["payment"].requests_per_second == pytest.approx(sum(PAYMENT_RATES.values()))
    assert found["idle"].reasons == ("it had no requests in this time range",)
    assert len(outcome.evidence) == 5


async def test_health_of_one_service(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    outcome = await asking.outcome(HEALTH, service="nowhere", range=prometheus.last(HOUR))
    (only,) = HealthAnswer.model_validate(outcome.output).services
    assert (only.service, only.status) == ("nowhere", "unknown")


# --- catalogue, query, state -----------------------------------------------------------------------


async def test_the_catalogue_shows_the_backend_and_the_configuration(
    prometheus: MeasuredPrometheus, tmp_path: Path
) -> None:
    environment = {
        "COPILOT_CATALOGUE__SERVICES": '["batch"]',
        "COPILOT_CATALOGUE__DEPENDS_ON": '{"checkout": ["batch"], "batch": ["payment"]}',
    }
    async with adapters(tmp_path, prometheus.url, **environment) as asking:
        outcome = await asking.outcome(CATALOGUE)
    found = Catalogue.model_validate(outcome.output)
    assert set(found.services) == {
        "batch", "payment", "orders", "inventory", "idle", "ghost", "checkout", ODD_NAME,
    }  # fmt: skip
    assert found.environments == ("demo",)
    assert found.depends_on == {
        "batch": ("payment",),
        "checkout": ("batch", "orders", "payment"),
        "inventory": ("orders",),
        "orders": ("inventory",),
    }
    assert found.degraded == ()


async def test_other_label_names_are_found_out(tmp_path: Path) -> None:
    """Many clients say `code`, and only the scrape says who it is: `job`."""
    history = [
        WrittenSeries("http_requests_total", {"job": "billing", "code": "200"}, steady(3)),
        WrittenSeries("http_requests_total", {"job": "billing", "code": "503"}, steady(1)),
        WrittenSeries("node_load1", {"job": "node"}, steady(0)),
    ]
    with measured_prometheus(history) as other:
        async with adapters(tmp_path, other.url) as asking:
            over = other.last(HOUR)
            found = await asking.metric(metric="error_rate", service="billing", range=over)
            catalogue = Catalogue.model_validate((await asking.outcome(CATALOGUE)).output)
    assert found.value == pytest.approx(0.25)
    assert [failure.status for failure in found.failures] == ["503"]
    assert catalogue.services == ("billing",)


async def test_a_raw_query_at_an_instant(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    outcome = await asking.outcome(
        QUERY,
        language="promql",
        query="sum by (service) (rate(http_requests_total[10m]))",
        at=prometheus.end.isoformat(),
    )
    (evidence,) = outcome.evidence
    assert evidence.result.kind == "table"
    rows = {row["service"]: row["value"] for row in evidence.result.value}
    assert rows["orders"] == pytest.approx(5)
    assert evidence.range.end - evidence.range.start == timedelta(minutes=10)


async def test_a_raw_query_over_a_range(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    outcome = await asking.outcome(
        QUERY,
        language="promql",
        query="up{service='payment'}",
        at=prometheus.end.isoformat(),
        range=prometheus.last(600),
        step_seconds=60,
    )
    (evidence,) = outcome.evidence
    assert (evidence.result.kind, evidence.range.step_seconds) == ("series", 60)
    assert len(evidence.result.value) == 2
    assert [value for _, value in evidence.result.value[0]["points"]] == [1.0] * 11


@pytest.mark.parametrize(
    ("query", "words"), [("sum(", "not PromQL"), ("rate(up[31d])", "30 days"), ('"text"', "gives a text")]
)
async def test_a_raw_query_that_cannot_run_is_refused(
    asking: Asking, prometheus: MeasuredPrometheus, query: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await asking.outcome(QUERY, language="promql", query=query, at=prometheus.end.isoformat())


async def test_values_that_json_has_not_are_null_and_said(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    outcome = await asking.outcome(
        QUERY, language="promql", query="http_requests_total / 0", at=prometheus.end.isoformat()
    )
    assert all(row["value"] is None for row in outcome.evidence[0].result.value)
    assert "not finite" in outcome.degraded[0].reason


async def counted(asking: Asking) -> dict[tuple[str, str | None], float]:
    """(name, outcome) -> value of the backend's metrics, as a scrape would see them."""
    (report,) = await asking.bus.gather(METRICS, MetricsRequest(), within=0.1)
    return {
        (sample.name, sample.labels.get("outcome")): sample.value
        for family in report.families
        for sample in family.samples
        if sample.labels.get("backend") == "prometheus" and "le" not in sample.labels
    }


async def test_the_state_and_the_metrics_of_the_backend(asking: Asking, prometheus: MeasuredPrometheus) -> None:
    await asking.metric(metric="error_rate", service="payment", range=prometheus.last(HOUR))
    before = await counted(asking)
    await asking.metric(metric="error_rate", service="payment", range=prometheus.last(HOUR))
    (state,) = BackendStates.model_validate((await asking.outcome(STATE)).output).backends
    assert (state.name, state.status) == ("prometheus", "up")
    after = await counted(asking)
    for key in (("copilot_backend_requests_total", "ok"), ("copilot_backend_seconds_count", None)):
        assert after[key] - before[key] == 4  # three queries and the probe


async def test_many_who_want_the_catalogue_at_once_ask_the_backend_once(
    asking: Asking, prometheus: MeasuredPrometheus
) -> None:
    await asking.outcome(CATALOGUE)
    alone = (await counted(asking))["copilot_backend_requests_total", "ok"]
    async with adapters(asking.directory, prometheus.url) as other:
        await asyncio.gather(*(other.outcome(CATALOGUE) for _ in range(20)))
        assert (await counted(other))["copilot_backend_requests_total", "ok"] == alone


async def test_many_dependencies_are_asked_for_without_naming_them(
    asking: Asking, prometheus: MeasuredPrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = {"metric": "error_rate", "service": "checkout", "range": prometheus.last(HOUR)}
    named = await asking.outcome(UPSTREAM, **question)
    monkeypatch.setattr("actors.adapters.observatory.module.MOST_NAMED", 2)
    unnamed = await asking.outcome(UPSTREAM, **question)
    assert unnamed.output == named.output
    assert "payment" in named.evidence[0].query
    assert "payment" not in unnamed.evidence[0].query


# --- away ------------------------------------------------------------------------------------------


async def test_prometheus_killed(tmp_path: Path) -> None:
    with measured_prometheus(HISTORY) as doomed:
        async with adapters(tmp_path, doomed.url, COPILOT_OBSERVATORY__CATALOGUE_TTL_SECONDS="0.05") as asking:
            over = doomed.last(HOUR)
            before = Catalogue.model_validate((await asking.outcome(CATALOGUE)).output)
            doomed.stop()
            started = time.perf_counter()
            with pytest.raises(BackendUnavailable, match=f"Prometheus at {doomed.url}.* does not answer"):
                await asking.metric(metric="error_rate", service="payment", range=over)
            assert time.perf_counter() - started < 1
            after = await _degraded_catalogue(asking)
            assert after.services == before.services
            assert after.depends_on == before.depends_on
            assert "the last known state" in after.degraded[0].reason
            (state,) = BackendStates.model_validate((await asking.outcome(STATE)).output).backends
            assert state.status == "down"


async def test_a_hanging_prometheus_delays_nobody_for_long(tmp_path: Path) -> None:
    """Accepts connections and never answers; those who wait for the catalogue wait for one time-out together."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    hanging = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{hanging.sockets[0].getsockname()[1]}"
    async with adapters(tmp_path, url, COPILOT_OBSERVATORY__TIMEOUT_SECONDS="0.3") as asking:
        started = time.perf_counter()
        outcomes = await asyncio.gather(*(asking.outcome(CATALOGUE) for _ in range(10)))
        assert time.perf_counter() - started < 1
        assert all("did not answer within" in outcome.degraded[0].reason for outcome in outcomes)
    hanging.close()


async def _degraded_catalogue(asking: Asking) -> Catalogue:
    async with asyncio.timeout(5):
        while True:
            found = Catalogue.model_validate((await asking.outcome(CATALOGUE)).output)
            if found.degraded:
                return found
            await asyncio.sleep(0.02)


async def test_no_prometheus_configured(tmp_path: Path, prometheus: MeasuredPrometheus) -> None:
    async with adapters(tmp_path, "", COPILOT_CATALOGUE__SERVICES='["payment"]') as asking:
        with pytest.raises(BackendUnavailable, match="set COPILOT_OBSERVATORY__PROMETHEUS_URL"):
            await asking.metric(metric="error_rate", service="payment", range=prometheus.last(HOUR))
        outcome = await asking.outcome(CATALOGUE)
        assert outcome.output["services"] == ["payment"]
        assert "the configuration alone" in outcome.degraded[0].reason
        (state,) = BackendStates.model_validate((await asking.outcome(STATE)).output).backends
        assert state.status == "not_configured"
