"""Every convention of naming, in one real Prometheus: each concept is found, its figure as on paper."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.adapters.observatory.inventory import Inventory
from schemas.adapters import Catalogue, Empty, HealthQuestion, MetricQuestion
from schemas.measures import Measured, MeasuredForecast, MeasuredRows, MeasuredValue, NotMeasured
from schemas.plans import Plan, Threshold
from tests.support.conventions_history import GIB, HISTORY, MIB
from tests.support.measuring import CALL, Asked, observatory
from tests.support.prometheus import MeasuredPrometheus, measured_prometheus
from tests.support.written_inventory import WrittenInventory

pytestmark = pytest.mark.integration
HOUR = 3_600


@pytest.fixture(scope="module")
def prometheus() -> Iterator[MeasuredPrometheus]:
    with measured_prometheus(HISTORY) as running:
        yield running


@pytest.fixture
async def asked(prometheus: MeasuredPrometheus, tmp_path: Path) -> AsyncIterator[Asked]:
    async with observatory(tmp_path, prometheus.url) as asked:
        yield asked


VALUES: list[tuple[dict[str, Any], float, str, str]] = [
    # plan, value, unit, a metric that it must come from
    ({"metric": "request_rate", "service": "otelpay"}, 10, "requests_per_second", "http_server_request_duration"),
    ({"metric": "error_rate", "service": "otelpay"}, 0.1, "ratio", "http_server_request_duration_seconds_count"),
    ({"metric": "latency", "service": "otelpay", "aggregation": "avg"}, 0.24, "seconds", "_seconds_sum"),
    ({"metric": "latency", "service": "otelpay", "percentile": 0.5}, 0.1 + 0.4 * 0.5 / 5, "seconds", "_bucket"),
    (
        {"metric": "latency", "service": "otelpay", "percentile": 0.5, "status_code": "500"},
        0.5,
        "seconds",
        "_bucket",
    ),
    ({"metric": "latency", "service": "otelpay", "percentile": 0.5, "endpoint": "POST /pay"}, 0.14, "seconds", ""),
    ({"metric": "error_rate", "service": "otelpay", "version": "1.4.2"}, 0.1, "ratio", "target_info"),
    ({"metric": "availability", "service": "otelpay"}, 0.9, "ratio", "http_server_request_duration_seconds_count"),
    ({"metric": "latency", "service": "legacy", "percentile": 0.75}, 0.15, "seconds", "_milliseconds_bucket"),
    ({"metric": "error_rate", "service": "legacy", "status_code": "503"}, 0.2, "ratio", "http_server_duration"),
    ({"metric": "token_usage", "service": "assistant"}, 250 * HOUR, "tokens", "gen_ai_client_token_usage_sum"),
    ({"metric": "token_usage", "service": "assistant", "per_seconds": 60}, 15_000, "tokens_per_minute", "gen_ai_"),
    ({"metric": "ttft", "service": "assistant", "percentile": 0.75}, 0.375, "seconds", "time_to_first_token"),
    ({"metric": "error_rate", "service": "assistant"}, 0.05, "ratio", "gen_ai_client_operation_duration"),
    ({"metric": "request_rate", "service": "plain"}, 25, "requests_per_second", "http_requests_total"),
    (
        {"metric": "request_rate", "service": "plain", "version": "1"},
        5,
        "requests_per_second",
        "http_requests_total",
    ),
    ({"metric": "error_rate", "service": "plain", "endpoint": "/x/"}, 0.1, "ratio", "http_requests_total"),
    (
        {"metric": "error_rate", "service": "plain", "environment": "production"},
        0.08,
        "ratio",
        "http_requests_total",
    ),
    ({"metric": "error_rate", "service": "plain", "status_code": "502"}, 0, "ratio", "http_requests_total"),
    ({"metric": "error_rate", "service": "plain", "aggregation": "count"}, 2 * HOUR, "requests", "http_requests"),
    ({"metric": "error_rate", "service": "ledger"}, 0.125, "ratio", "grpc_server_handled_total"),
    ({"metric": "cpu", "service": "plain"}, 0.25, "cores", "process_cpu_seconds_total"),
    ({"metric": "memory", "service": "plain"}, 300 * MIB, "bytes", "process_resident_memory_bytes"),
    ({"metric": "restarts", "service": "plain"}, 1, "restarts", "process_start_time_seconds"),
    ({"metric": "availability", "service": "plain"}, (241 + 121) / 482, "ratio", "up"),
    ({"metric": "connections", "service": "plain"}, 8, "connections", "hikaricp_connections_active"),
    ({"metric": "saturation", "service": "plain"}, 0.8, "ratio", "hikaricp_connections_max"),
    ({"metric": "consumer_lag", "service": "billing"}, 42, "messages", "kafka_consumergroup_lag"),
    (
        {"metric": "queue_depth", "service": "emails", "aggregation": "max"},
        720,
        "waiting",
        "rabbitmq_queue_messages",
    ),
    ({"metric": "cache_hit_rate", "service": "cache"}, 0.9, "ratio", "redis_keyspace_misses_total"),
    ({"metric": "gpu", "host": "gpu-1"}, 0.7, "ratio", "DCGM_FI_DEV_GPU_UTIL"),
    ({"metric": "gpu", "host": "gpu-1", "aggregation": "max"}, 0.8, "ratio", "DCGM_FI_DEV_GPU_UTIL"),
    ({"metric": "request_rate", "service": "mesh"}, 20, "requests_per_second", "istio_requests_total"),
    ({"metric": "error_rate", "service": "mesh", "version": "v7"}, 0.05, "ratio", "istio_requests_total"),
    ({"metric": "latency", "service": "mesh", "percentile": 0.9}, 0.1, "seconds", "_milliseconds_bucket"),
    ({"metric": "cpu", "service": "mesh"}, 0.5, "cores", "container_cpu_usage_seconds_total"),
    ({"metric": "cpu", "pod": "mesh-7d9f8c6b5-k8k2m"}, 0.3, "cores", "container_cpu_usage_seconds_total"),
    ({"metric": "memory", "service": "mesh", "namespace": "shop"}, 450 * MIB, "bytes", "container_memory_working"),
    ({"metric": "saturation", "service": "mesh"}, 450 / 800, "ratio", "kube_pod_container_resource_limits"),
    ({"metric": "restarts", "service": "mesh"}, 3, "restarts", "kube_pod_container_status_restarts_total"),
    ({"metric": "replicas", "service": "mesh"}, 2, "replicas", "kube_deployment_status_replicas"),
    ({"metric": "availability", "service": "mesh"}, 0.5, "ratio", "kube_deployment_spec_replicas"),
    ({"metric": "cpu", "host": "web-1"}, 0.25, "ratio", "node_cpu_seconds_total"),
    ({"metric": "memory", "host": "web-1"}, 6 * GIB, "bytes", "node_memory_MemAvailable_bytes"),
    ({"metric": "disk", "host": "web-1"}, 40 * GIB + 5_400 * GIB / 600, "bytes", "node_filesystem_avail_bytes"),
    ({"metric": "disk", "host": "web-1", "aggregation": "max"}, (40 + 7_170 / 600) * GIB, "bytes", "node_filesys"),
    ({"metric": "room_temperature_celsius", "aggregation": "min"}, 21, "count", "room_temperature_celsius"),
    ({"metric": "jobs_done", "service": "plain"}, 0.5, "count_per_second", "jobs_done_total"),
    ({"metric": "jobs_done_total", "aggregation": "sum"}, 1_800, "count", "jobs_done_total"),
]


@pytest.mark.parametrize(("plan", "value", "unit", "metric"), VALUES, ids=lambda part: str(part)[:60])
async def test_a_concept_in_its_convention(
    asked: Asked, prometheus: MeasuredPrometheus, plan: dict[str, Any], value: float, unit: str, metric: str
) -> None:
    whole = {"intent": "metric_query", "range": prometheus.last(HOUR), **plan}
    answer = await asked.measure(Plan.model_validate(whole))
    figure = answer.output.figure
    assert isinstance(figure, MeasuredValue), figure
    # A counter that jumps once is extrapolated to the window's borders; steps begin at whole minutes.
    close = 0.01 if plan["metric"] == "restarts" or plan.get("aggregation") == "max" else 1e-6
    assert figure.value == pytest.approx(value, rel=close, abs=1e-9)
    assert answer.output.unit == unit
    assert any(metric in one.query for one in answer.output.translations)
    assert answer.evidence[0].result.value == figure.value


ROWS: list[tuple[dict[str, Any], list[tuple[str, float]]]] = [
    ({"metric": "cpu", "group_by": ("host",)}, [("web-2:9100", 0.75), ("web-1:9100", 0.25)]),
    ({"metric": "gpu", "host": "gpu-1", "group_by": ("gpu",)}, [("0", 0.8), ("1", 0.6)]),
    ({"metric": "token_usage", "group_by": ("token_type",)}, [("input", 200 * HOUR), ("output", 50 * HOUR)]),
    ({"metric": "error_rate", "service": "plain", "group_by": ("endpoint",)}, [("/x", 0.1), ("/y", 0.0)]),
    ({"metric": "request_rate", "service": "plain", "group_by": ("version",), "top": 1}, [("v2", 20)]),
    ({"metric": "request_rate", "service": "otelpay", "group_by": ("version",)}, [("1.4.2", 10)]),
    ({"metric": "memory", "service": "mesh", "group_by": ("pod",)},
     [("mesh-7d9f8c6b5-k8k2m", 250 * MIB), ("mesh-7d9f8c6b5-x2x4z", 200 * MIB)]),
    ({"metric": "error_rate", "service": "ledger", "group_by": ("status_code",)}, [("Unavailable", 0.125)]),
    ({"metric": "jobs_done_total", "group_by": ("kind",)}, [("mail", 0.5)]),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "rows"), ROWS, ids=lambda part: str(part)[:60])
async def test_groups_in_their_convention(
    asked: Asked, prometheus: MeasuredPrometheus, plan: dict[str, Any], rows: list[tuple[str, float]]
) -> None:
    figure = (await _measured(asked, prometheus, plan)).figure
    assert isinstance(figure, MeasuredRows), figure
    (role,) = plan["group_by"]
    assert [row.labels[role] for row in figure.rows] == [name for name, _ in rows]
    assert [row.value for row in figure.rows] == [pytest.approx(value, rel=1e-6) for _, value in rows]


@pytest.mark.parametrize(
    ("plan", "reason", "words"),
    [
        ({"metric": "cost"}, "no_metric", "no metric for the cost: none of llm_cost_usd_total"),
        ({"metric": "latency", "service": "ledger"}, "no_series", "no series of .* has the service ledger"),
        (
            {"metric": "cpu", "host": "web-9"},
            "no_series",
            "no series of node_cpu_seconds_total has the host web-9",
        ),
        ({"metric": "queue_depth", "service": "emails", "version": "3"}, "no_label", "no label for version"),
        (
            {"metric": "jobs_failed_total"},
            "no_metric",
            "no metric named jobs_failed_total; near ones: jobs_done_total",
        ),
        ({"metric": "jobs_done_total", "group_by": ("no-label",)}, "no_label", "no label for no-label"),
    ],
)
async def test_what_cannot_be_measured_is_said(
    asked: Asked, prometheus: MeasuredPrometheus, plan: dict[str, Any], reason: str, words: str
) -> None:
    figure = (await _measured(asked, prometheus, plan)).figure
    assert isinstance(figure, NotMeasured), figure
    assert figure.reason == reason
    assert re.search(words, figure.detail), figure.detail


async def test_a_share_of_a_limit_that_nobody_knows(asked: Asked, prometheus: MeasuredPrometheus) -> None:
    above = Threshold(operator=">", value=0.8, text="80 %")
    plan = {"metric": "memory", "service": "plain", "threshold": above}
    figure = (await _measured(asked, prometheus, plan)).figure
    # A limit is there for the containers of mesh, not for plain.
    assert isinstance(figure, NotMeasured)
    assert figure.reason == "no_series"


async def test_when_a_disk_is_full(asked: Asked, prometheus: MeasuredPrometheus) -> None:
    """48 GiB are left, and one goes every 600 s."""
    plan = {"intent": "capacity_forecast", "metric": "disk", "host": "web-1", "horizon_seconds": HOUR}
    figure = (await _measured(asked, prometheus, plan)).figure
    assert isinstance(figure, MeasuredForecast), figure
    assert (figure.trend, figure.limit) == ("rising", 1.0)
    assert figure.value == pytest.approx(0.52 + 6 / 100, abs=0.002)
    assert figure.limit_at is not None
    assert (figure.limit_at - prometheus.end).total_seconds() == pytest.approx(48 * 600, abs=60)
    assert figure.low <= figure.value <= figure.high


async def test_the_configuration_goes_before_every_convention(
    prometheus: MeasuredPrometheus, tmp_path: Path
) -> None:
    own = {
        "COPILOT_OBSERVATORY__METRICS": '{"request_rate": "jobs_done_total", "gpu": "room_temperature_celsius"}',
        "COPILOT_OBSERVATORY__LABELS": '{"service": "kind"}',
    }
    async with observatory(tmp_path, prometheus.url, **own) as asked:
        figure = (await _measured(asked, prometheus, {"metric": "request_rate", "service": "mail"})).figure
        assert isinstance(figure, MeasuredValue)
        assert figure.value == pytest.approx(0.5)
        # Where the configured one has no such label the conventions follow.
        figure = (await _measured(asked, prometheus, {"metric": "gpu", "host": "gpu-1"})).figure
        assert isinstance(figure, MeasuredValue)
        assert figure.value == pytest.approx(0.7)


async def test_services_of_every_convention_and_who_calls_whom(asked: Asked) -> None:
    found: Catalogue = (await asked.module.catalogue(Empty(), CALL)).output
    assert {"otelpay", "legacy", "assistant", "plain", "ledger", "mesh"} <= set(found.services)
    assert found.depends_on == {"frontend": ("mesh",), "otelpay": ("legacy",)}
    assert found.environments == ("prod",)


@pytest.mark.parametrize(("service", "ratio", "latency"), [("mesh", 0.05, 0.175), ("plain", 0.08, 0.0875)])
async def test_health_and_breakdown_in_any_convention(
    asked: Asked, prometheus: MeasuredPrometheus, service: str, ratio: float, latency: float
) -> None:
    over = prometheus.last(HOUR)
    question = MetricQuestion(metric="error_rate", service=service, range=over)
    found = (await asked.module.metric(question, CALL)).output
    assert found.value == pytest.approx(ratio)
    assert sum(failure.count for failure in found.failures) == pytest.approx(found.failed_requests)
    (state,) = (await asked.module.health(HealthQuestion(service=service, range=over), CALL)).output.services
    assert state.error_ratio == pytest.approx(ratio)
    assert state.latency_p95_seconds == pytest.approx(latency)


async def test_health_of_one_environment(asked: Asked, prometheus: MeasuredPrometheus) -> None:
    """Other metrics than those of requests do not say where they are from: of them there is no data."""
    over = prometheus.last(HOUR)
    question = HealthQuestion(environment="production", range=over)
    (state,) = (await asked.module.health(question, CALL)).output.services
    assert (state.service, state.error_ratio, state.instances) == ("plain", pytest.approx(0.08), None)
    elsewhere = HealthQuestion(service="plain", environment="test", range=over)
    (state,) = (await asked.module.health(elsewhere, CALL)).output.services
    assert (state.status, state.error_ratio) == ("unknown", None)


async def test_the_written_inventory_is_that_of_the_backend(asked: Asked) -> None:
    written = WrittenInventory(HISTORY)
    real: Inventory = asked.module.inventory
    assert await real.names() == await written.names()
    for metric in await written.names():
        labels = await written.labels(metric)
        assert await real.labels(metric) == labels
        for label in labels - {"__name__"}:
            # An empty label is none at all.
            assert await real.values(metric, label) == tuple(filter(None, await written.values(metric, label)))
    assert await real.labels("nothing") == await written.labels("nothing") == frozenset()


async def _measured(asked: Asked, prometheus: MeasuredPrometheus, plan: dict[str, Any]) -> Measured:
    whole = {"intent": "metric_query", "range": prometheus.last(HOUR), **plan}
    return (await asked.measure(Plan.model_validate(whole))).output
