"""What the gateway counts of every request, by whatever protocol it came."""

from __future__ import annotations

from actors.platform.telemetry import Telemetry


class Traffic:
    def __init__(self, telemetry: Telemetry) -> None:
        self._requests = telemetry.counter(
            "copilot_gateway_requests_total", "Answered requests.", ("route", "method", "status")
        )
        self._seconds = telemetry.histogram(
            "copilot_gateway_seconds", "From a request to the end of its answer.", ("route",)
        )

    def answered(self, route: str, method: str, status: str, seconds: float) -> None:
        """`route` is a pattern, never a path: a metric must not grow with what strangers type."""
        self._requests.labels(route, method, status).inc()
        self._seconds.labels(route).observe(seconds)
