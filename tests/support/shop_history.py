"""A small shop in a Prometheus: six services whose figures are known exactly."""

from __future__ import annotations

from tests.support.prometheus import WrittenSeries, constant, steady

PAYMENT_RATES = {"200": 12.0, "404": 0.4, "502": 0.02, "504": 0.01}
"""Requests per second by status."""
ODD_NAME = 'we"ird\\ {name}\n#1'
"""A service that nobody would call so; its errors are half of its requests."""


def _requests(service: str, rates: dict[str, float]) -> list[WrittenSeries]:
    return [
        WrittenSeries("http_requests_total", {"service": service, "status": status}, steady(rate))
        for status, rate in rates.items()
    ]


def _latency(service: str, below: dict[str, float]) -> list[WrittenSeries]:
    """Cumulative shares by bucket, of ten requests a second."""
    return [
        WrittenSeries("http_request_duration_seconds_bucket", {"service": service, "le": le}, steady(10 * share))
        for le, share in below.items()
    ]


def _up(service: str, states: list[int]) -> list[WrittenSeries]:
    return [
        WrittenSeries(
            "up",
            {"service": service, "job": "shop", "instance": f"{service}-{n}", "environment": "demo"},
            constant(state),
        )
        for n, state in enumerate(states)
    ]


def _calls(caller: str, *targets: str) -> list[WrittenSeries]:
    return [
        WrittenSeries(
            "http_client_requests_total", {"service": caller, "target": target, "status": "200"}, steady(1)
        )
        for target in targets
    ]


HISTORY = [
    *_requests("payment", PAYMENT_RATES),
    *_requests("orders", {"200": 5.0}),  # not one failure, not even a series for it
    *_requests("inventory", {"200": 9.0, "500": 1.0}),
    *_requests(ODD_NAME, {"200": 1.0, "500": 1.0}),
    WrittenSeries("http_requests_total", {"service": "idle", "status": "200"}, constant(7)),
    WrittenSeries("http_requests_total", {"service": "idle", "status": "500"}, constant(3)),
    *_latency("payment", {"0.1": 0.5, "0.25": 0.9, "0.5": 1.0, "+Inf": 1.0}),
    *_latency("inventory", {"0.1": 0.1, "0.5": 0.2, "1.0": 1.0, "+Inf": 1.0}),
    *_up("payment", [1, 1]),
    *_up("orders", [1, 0, 1]),
    *_up("inventory", [1]),
    *_up("idle", [1]),
    *_up("ghost", [0, 0]),
    *_calls("checkout", "payment", "orders"),
    *_calls("orders", "inventory"),
    *_calls("inventory", "orders"),  # a circle, to be walked once
]
