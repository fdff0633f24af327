"""What the concepts are called in a backend: conventions as data, and finding out which one holds.

A further convention is one entry in `CONVENTIONS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.promql import Matcher, Selector
from schemas.plans import TimeRange

SERVICE_LABELS = ("service", "job")
ENVIRONMENT_LABELS = ("environment", "env")
UP = "up"


@dataclass(frozen=True, slots=True)
class Convention:
    """Metric names, and the label names to try in order. Durations are classic histograms in seconds."""

    requests: str
    duration_buckets: str
    calls: str
    """Requests that a service (its own label) has sent to the one in `target_label`."""
    target_label: str = "target"
    service_labels: tuple[str, ...] = SERVICE_LABELS
    status_labels: tuple[str, ...] = ("status", "code", "status_code")
    failed_statuses: str = "5.."
    """A regular expression."""


CONVENTIONS = (
    Convention(
        requests="http_requests_total",
        duration_buckets="http_request_duration_seconds_bucket",
        calls="http_client_requests_total",
    ),
)


@dataclass(frozen=True, slots=True)
class Named:
    """A metric as this backend has it."""

    metric: str
    service_label: str

    def selector(self, *matchers: Matcher) -> Selector:
        return Selector(self.metric, matchers)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The convention found in a backend, with the labels that it uses there."""

    requests: Named
    duration_buckets: Named
    calls: Named
    up: Named
    status_label: str
    failed: Matcher
    target_label: str


async def find(
    backend: MetricsBackend, over: TimeRange, conventions: Sequence[Convention] = CONVENTIONS
) -> Vocabulary:
    """The first convention whose request counter is there; the first of all where none is."""
    up = backend.label_names(over, Selector(UP))
    found = await asyncio.gather(up, *(_labels(backend, over, one.requests) for one in conventions))
    up_labels, counters = found[0], found[1:]
    chosen, labels = next(
        ((one, labels) for one, labels in zip(conventions, counters, strict=True) if labels),
        (conventions[0], ()),
    )
    buckets, calls = await asyncio.gather(
        _labels(backend, over, chosen.duration_buckets), _labels(backend, over, chosen.calls)
    )
    status = _first(chosen.status_labels, labels)
    return Vocabulary(
        requests=_named(chosen, chosen.requests, labels),
        duration_buckets=_named(chosen, chosen.duration_buckets, buckets),
        calls=_named(chosen, chosen.calls, calls),
        up=_named(chosen, UP, up_labels),
        status_label=status,
        failed=Matcher(status, "=~", chosen.failed_statuses),
        target_label=chosen.target_label,
    )


async def _labels(backend: MetricsBackend, over: TimeRange, metric: str) -> tuple[str, ...]:
    return await backend.label_names(over, Selector(metric))


def _named(convention: Convention, metric: str, labels: Sequence[str]) -> Named:
    return Named(metric, _first(convention.service_labels, labels))


def _first(wanted: Sequence[str], there: Sequence[str]) -> str:
    """The first wanted label that is there; the first of all where none is."""
    return next((label for label in wanted if label in there), wanted[0])
