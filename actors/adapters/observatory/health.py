"""How each service is: instances up, errors, latency and traffic against the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from actors.adapters.observatory.asking import Found
from actors.adapters.observatory.metric import DEFAULT_PERCENTILE, within
from actors.adapters.observatory.questions import Question, Questions
from actors.platform.config import SloSettings
from schemas.adapters import ServiceHealth

Status = Literal["healthy", "degraded", "down", "unknown"]
_ORDER: tuple[Status, ...] = ("down", "degraded", "unknown", "healthy")


def questions_for(to: Questions) -> tuple[Question, ...]:
    """Five queries, whatever the number of services."""
    return (
        to.error_ratio(),
        to.latency(DEFAULT_PERCENTILE),
        to.request_rate(),
        to.instances_up(),
        to.instances(),
    )


def services_in(found: Sequence[Found]) -> set[str]:
    """Those that take requests. `up` alone also knows exporters and Prometheus itself."""
    ratio, latency, rate, _, _ = found
    return ratio.services() | latency.services() | rate.services()


def judge(services: Sequence[str], found: Sequence[Found], slo: SloSettings) -> tuple[ServiceHealth, ...]:
    """The worst first, then by name."""
    judged = (_judge(_figures(service, found), slo) for service in services)
    return tuple(sorted(judged, key=lambda one: (_ORDER.index(one.status), one.service)))


@dataclass(frozen=True, slots=True)
class _Figures:
    """None where there is no data."""

    service: str
    error_ratio: float | None
    latency: float | None
    rate: float | None
    up: int | None
    instances: int | None


def _figures(service: str, found: Sequence[Found]) -> _Figures:
    ratio, latency, rate, up, instances = (one.value(service) for one in found)
    return _Figures(service, ratio, latency, rate, _whole(up), _whole(instances))


def _judge(of: _Figures, slo: SloSettings) -> ServiceHealth:
    status, reasons = _status(of, slo)
    return ServiceHealth(
        service=of.service,
        status=status,
        error_ratio=of.error_ratio,
        latency_p95_seconds=of.latency,
        requests_per_second=of.rate,
        instances_up=of.up,
        instances=of.instances,
        reasons=reasons,
    )


def _status(of: _Figures, slo: SloSettings) -> tuple[Status, tuple[str, ...]]:
    if of.up == 0:
        return "down", (f"none of its {of.instances} instances is up",)
    if of.up is None and not of.rate:
        return "unknown", ("the backend has no data about it in this time range",)
    troubles = _troubles(of, slo)
    if troubles:
        return "degraded", troubles
    return "healthy", () if of.rate else ("it had no requests in this time range",)


def _troubles(of: _Figures, slo: SloSettings) -> tuple[str, ...]:
    found: list[str] = []
    if of.up is not None and of.instances is not None and of.up < of.instances:
        found.append(f"{of.instances - of.up} of its {of.instances} instances are down")
    if of.error_ratio is not None and within(of.error_ratio, slo.error_rate) is False:
        found.append(f"its error rate of {of.error_ratio:.2%} is not below the target of {slo.error_rate:.2%}")
    if of.latency is not None and within(of.latency, slo.latency_p95_seconds) is False:
        target = f"{slo.latency_p95_seconds * 1_000:,.0f} ms"
        found.append(f"its p95 latency of {of.latency * 1_000:,.0f} ms is not below the target of {target}")
    return tuple(found)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
