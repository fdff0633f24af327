"""The demo shop's series by name and labels, as its exposition has them; no server, no numbers."""

from __future__ import annotations

from actors.embedded.shop import SERVICES, target_labels
from tests.support.prometheus import WrittenSeries, constant

COUNTERS = (
    "http_requests_total",
    "http_request_duration_seconds_bucket",
    "http_request_duration_seconds_count",
    "http_request_duration_seconds_sum",
    "http_client_requests_total",
    "process_cpu_seconds_total",
    "service_restarts_total",
    "llm_requests_total",
    "llm_tokens_total",
    "llm_cost_usd_total",
)
GAUGES = (
    "up",
    "process_resident_memory_bytes",
    "container_spec_memory_limit_bytes",
    "container_cpu_limit_cores",
    "http_request_queue_depth",
    "service_replicas",
    "db_pool_connections_in_use",
    "db_pool_connections_max",
    "service_build_info",
)
_OWN = {
    "http_requests_total": {"method": "GET", "route": "/x", "status": "200"},
    "http_request_duration_seconds_bucket": {"le": "0.5"},
    "http_client_requests_total": {"target": "orders", "status": "200"},
    "service_build_info": {"version": "2.4.0"},
    "llm_requests_total": {"provider": "openai", "model": "small", "status": "200"},
    "llm_tokens_total": {"provider": "openai", "model": "small", "token_type": "prompt"},
    "llm_cost_usd_total": {"provider": "openai", "model": "small"},
}

SHOP = [
    WrittenSeries(metric, {"job": service, **target_labels(service), **_OWN.get(metric, {})}, constant(0))
    for service in SERVICES
    for metric in (*COUNTERS, *GAUGES)
]
