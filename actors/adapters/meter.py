"""Counting what is asked of backends."""

from __future__ import annotations

from actors.platform.telemetry import Telemetry


class Meter:
    """`outcome`: ok (2xx), refused (4xx), failed (other statuses, too large), unreachable, timeout, cancelled."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._requests = telemetry.counter(
            "copilot_backend_requests_total", "Requests sent to a backend.", ("backend", "outcome")
        )
        self._seconds = telemetry.histogram(
            "copilot_backend_seconds", "From asking a backend to the end of its answer.", ("backend",)
        )

    def record(self, backend: str, outcome: str, seconds: float) -> None:
        self._requests.labels(backend, outcome).inc()
        self._seconds.labels(backend).observe(seconds)
