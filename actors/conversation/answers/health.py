"""The state of one service, or of all, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actors.conversation.answers import figures
from actors.conversation.answers.names import listed, the_service
from actors.conversation.answers.templates import render
from actors.conversation.answers.windows import window
from schemas.adapters import HealthAnswer, ServiceHealth
from schemas.plans import TimeRange

WORST_FIRST = ("down", "degraded", "unknown", "healthy")


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    status: str
    figures: str
    reasons: str


def health_answer(
    answer: HealthAnswer, range: TimeRange, as_of: datetime, timezone: str, environment: str | None = None
) -> str:
    over = window(range, as_of, timezone)
    ranked = worst_first(answer)
    lines = tuple(_line(service) for service in ranked)
    return render(
        "health_one" if len(lines) == 1 else "health_all",
        subject=the_service(lines[0].name) if lines else "",
        window=f"in {environment} {over}" if environment else over,
        services=lines,
        troubled=_troubled(ranked),
        unknown=listed([service.service for service in ranked if service.status == "unknown"]),
    )


def worst_first(answer: HealthAnswer) -> list[ServiceHealth]:
    """In the order in which they are shown."""
    return sorted(answer.services, key=lambda service: WORST_FIRST.index(service.status))


def _troubled(services: list[ServiceHealth]) -> tuple[str, ...]:
    return tuple(
        f"{service.service} ({service.status})" for service in services if service.status in ("down", "degraded")
    )


def _line(service: ServiceHealth) -> Line:
    return Line(
        name=service.service,
        status=service.status,
        figures=", ".join(_figures(service)),
        reasons="; ".join(service.reasons),
    )


def _figures(service: ServiceHealth) -> list[str]:
    """Only what was measured."""
    found: list[str] = []
    error, latency, rate = service.error_ratio, service.latency_p95_seconds, service.requests_per_second
    if error is not None and figures.measured(error):
        found.append(f"error rate {figures.percent(error)}")
    if latency is not None and figures.measured(latency):
        found.append(f"p95 latency {figures.seconds(latency)}")
    if rate is not None and figures.measured(rate):
        found.append(figures.rate(rate))
    if service.instances_up is not None and service.instances is not None:
        found.append(f"{service.instances_up} of {service.instances} instances up")
    return found
