"""One backend in which every team names its metrics in another way; each figure can be worked out on paper.

Rates are per second. What must not be counted is there too: the same requests reported from the other side, pause
containers, the whole of a pod beside its parts.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.prometheus import Curve, WrittenSeries, constant, steady

MIB = 2**20
GIB = 2**30


def series(metric: str, curve: Curve, **labels: str) -> WrittenSeries:
    return WrittenSeries(metric, labels, curve)


def _half_of_the_time(seconds: float) -> float:
    return float(seconds % 60 < 30)


def histogram(
    name: str, per_second: float, mean: float, below: Mapping[str, float], **labels: str
) -> list[WrittenSeries]:
    """`below`: cumulative share by bound; `mean` in the metric's own unit."""
    return [
        *(series(f"{name}_bucket", steady(per_second * share), le=le, **labels) for le, share in below.items()),
        series(f"{name}_count", steady(per_second), **labels),
        series(f"{name}_sum", steady(per_second * mean), **labels),
    ]


def _opentelemetry() -> list[WrittenSeries]:
    """No label `service`: the job is `namespace/name`, and the version is in target_info."""
    own = {"job": "shop/otelpay", "instance": "otelpay-0", "http_request_method": "POST", "http_route": "/pay"}
    name = "http_server_request_duration_seconds"
    fast, slow = {"0.1": 0.5, "0.5": 1.0, "+Inf": 1.0}, {"0.1": 0.0, "0.5": 0.5, "1.0": 1.0, "+Inf": 1.0}
    old = {"service_name": "legacy", "http_method": "GET", "http_route": "/old"}
    return [
        *histogram(name, 9.0, 0.2, fast, http_response_status_code="200", **own),
        *histogram(name, 1.0, 0.6, slow, http_response_status_code="500", **own),
        *histogram("http_server_duration_milliseconds", 4.0, 120.0,
                   {"100.0": 0.5, "200.0": 1.0, "+Inf": 1.0}, http_status_code="200", **old),
        *histogram("http_server_duration_milliseconds", 1.0, 120.0,
                   {"100.0": 0.5, "200.0": 1.0, "+Inf": 1.0}, http_status_code="503", **old),
        series("target_info", constant(1), job="shop/otelpay", instance="otelpay-0", service_version="1.4.2"),
        series("http_client_request_duration_seconds_count", steady(3), job="shop/otelpay",
               instance="otelpay-0", server_address="legacy", http_response_status_code="200"),
    ]  # fmt: skip


def _genai() -> list[WrittenSeries]:
    own = {"service_name": "assistant", "gen_ai_request_model": "tiny-1", "gen_ai_provider_name": "local"}
    return [
        series("gen_ai_client_token_usage_sum", steady(200), gen_ai_token_type="input", **own),
        series("gen_ai_client_token_usage_sum", steady(50), gen_ai_token_type="output", **own),
        *histogram("gen_ai_server_time_to_first_token_seconds", 2.0, 0.3,
                   {"0.25": 0.5, "0.5": 1.0, "+Inf": 1.0}, **own),
        *histogram("gen_ai_client_operation_duration_seconds", 1.9, 1.5, {"1.0": 0.0, "2.0": 1.0, "+Inf": 1.0},
                   error_type="", **own),
        *histogram("gen_ai_client_operation_duration_seconds", 0.1, 1.5, {"1.0": 0.0, "2.0": 1.0, "+Inf": 1.0},
                   error_type="timeout", **own),
    ]  # fmt: skip


def _clients() -> list[WrittenSeries]:
    web = {"service": "plain", "env": "prod", "instance": "plain-0:8080"}
    return [
        series("http_requests_total", steady(18), code="200", handler="/x", version="v2", **web),
        series("http_requests_total", steady(2), code="503", handler="/x", version="v2", **web),
        series("http_requests_total", steady(5), code="200", handler="/y", version="v1", **web),
        *histogram("http_request_duration_seconds", 25.0, 0.04, {"0.05": 0.8, "0.1": 1.0, "+Inf": 1.0}, **web),
        series("grpc_server_handled_total", steady(6), app="ledger", grpc_code="OK", grpc_method="Post"),
        series("grpc_server_handled_total", steady(1), app="ledger", grpc_code="NotFound", grpc_method="Post"),
        series("grpc_server_handled_total", steady(1), app="ledger", grpc_code="Unavailable", grpc_method="Post"),
        series("process_cpu_seconds_total", steady(0.25), service="plain", instance="plain-0:8080"),
        series("process_resident_memory_bytes", constant(300 * MIB), service="plain", instance="plain-0:8080"),
        series("process_start_time_seconds", lambda seconds: 1e9 + 3_000 * (seconds // 3_000),
               service="plain", instance="plain-0:8080"),
        series("up", constant(1), service="plain", instance="plain-0:8080", job="plain"),
        series("up", _half_of_the_time, service="plain", instance="plain-1:8080", job="plain"),
        series("hikaricp_connections_active", constant(8), service="plain", instance="plain-0:8080"),
        series("hikaricp_connections_max", constant(10), service="plain", instance="plain-0:8080"),
        series("kafka_consumergroup_lag", constant(40), consumergroup="billing", topic="orders", partition="0"),
        series("kafka_consumergroup_lag", constant(2), consumergroup="billing", topic="orders", partition="1"),
        series("rabbitmq_queue_messages", lambda seconds: seconds / 10, queue="emails"),
        series("redis_keyspace_hits_total", steady(90), service="cache", instance="cache-0"),
        series("redis_keyspace_misses_total", steady(10), service="cache", instance="cache-0"),
        series("DCGM_FI_DEV_GPU_UTIL", constant(80), Hostname="gpu-1", gpu="0"),
        series("DCGM_FI_DEV_GPU_UTIL", constant(60), Hostname="gpu-1", gpu="1"),
        series("room_temperature_celsius", lambda seconds: 20 + seconds / 3_600, room="north"),
        series("jobs_done_total", steady(0.5), service="plain", kind="mail"),
    ]  # fmt: skip


def _istio() -> list[WrittenSeries]:
    requests: list[WrittenSeries] = []
    own = {"destination_service_name": "mesh", "destination_version": "v7", "job": "envoy", "app": "gateway"}
    for reporter in ("destination", "source"):
        both = {"reporter": reporter, "source_canonical_service": "frontend", **own}
        requests += [
            series("istio_requests_total", steady(19), response_code="200", **both),
            series("istio_requests_total", steady(1), response_code="504", **both),
            *histogram("istio_request_duration_milliseconds", 20.0, 80.0,
                       {"50.0": 0.5, "100.0": 0.9, "250.0": 1.0, "+Inf": 1.0}, **both),
        ]  # fmt: skip
    return requests


def _kubernetes() -> list[WrittenSeries]:
    found: list[WrittenSeries] = []
    kubelet = {"job": "kubelet", "service": "kubelet", "instance": "10.0.0.1:10250", "namespace": "shop"}
    for n, pod in enumerate(("mesh-7d9f8c6b5-x2x4z", "mesh-7d9f8c6b5-k8k2m")):
        of_pod = {"pod": pod, "namespace": "shop"}
        for container, cores, memory in (("mesh", 0.2 + 0.1 * n, 200 + 50 * n), ("POD", 0.01, 1), ("", 0.9, 900)):
            cadvisor = {**kubelet, **of_pod, "container": container}
            found.append(series("container_cpu_usage_seconds_total", steady(cores), **cadvisor))
            found.append(series("container_memory_working_set_bytes", constant(memory * MIB), **cadvisor))
        state = {**of_pod, "container": "mesh", "job": "kube-state-metrics"}
        for resource, limit in (("cpu", 0.5), ("memory", 400 * MIB)):
            found.append(series("kube_pod_container_resource_limits", constant(limit), resource=resource, **state))
        restarts: Curve = lambda seconds, n=n: float(seconds >= 5_000) * (n + 1)  # noqa: E731
        found.append(series("kube_pod_container_status_restarts_total", restarts, **state))
    of_deployment = {"deployment": "mesh", "namespace": "shop", "job": "kube-state-metrics"}
    return [
        *found,
        series("kube_deployment_status_replicas", constant(2), **of_deployment),
        series("kube_deployment_spec_replicas", constant(4), **of_deployment),
        series("kube_deployment_status_replicas_available", constant(2), **of_deployment),
    ]


def _nodes() -> list[WrittenSeries]:
    found: list[WrittenSeries] = []
    for instance, busy, free in (("web-1:9100", 0.25, 2), ("web-2:9100", 0.75, 6)):
        node = {"instance": instance, "job": "node"}
        for cpu in ("0", "1"):
            found.append(series("node_cpu_seconds_total", steady(1 - busy), cpu=cpu, mode="idle", **node))
            found.append(series("node_cpu_seconds_total", steady(busy), cpu=cpu, mode="user", **node))
        found.append(series("node_memory_MemTotal_bytes", constant(8 * GIB), **node))
        found.append(series("node_memory_MemAvailable_bytes", constant(free * GIB), **node))
        root = {"mountpoint": "/", "fstype": "ext4", "device": "sda", **node}
        filling: Curve = lambda seconds: 60 * GIB - seconds * GIB / 600  # noqa: E731
        found.append(series("node_filesystem_size_bytes", constant(100 * GIB), **root))
        found.append(series("node_filesystem_avail_bytes", filling, **root))
        shm = {"mountpoint": "/dev/shm", "fstype": "tmpfs", "device": "shm", **node}
        found.append(series("node_filesystem_size_bytes", constant(GIB), **shm))
        found.append(series("node_filesystem_avail_bytes", constant(GIB), **shm))
    return found


HISTORY = [*_opentelemetry(), *_genai(), *_clients(), *_istio(), *_kubernetes(), *_nodes()]
