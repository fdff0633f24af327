"""The metrics of requests as one backend has them: what health and the error-rate's breakdown are asked with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from actors.adapters.observatory.conventions import UP, Signal
from actors.adapters.observatory.promql import Matcher, Selector
from actors.adapters.observatory.scope import Scope
from actors.adapters.observatory.sources import CannotMeasure, Source, Sources, Wanted

_FAILED = "5.."


@dataclass(frozen=True, slots=True)
class Named:
    """A metric as this backend has it; `fixed` holds for all of its series, `scale` is the factor to base units.
    `service` is the one asked for, in the way this metric writes it."""

    metric: str
    service_label: str
    fixed: tuple[Matcher, ...] = ()
    scale: float = 1.0
    service: Matcher | None = None

    def selector(self, *matchers: Matcher) -> Selector:
        return Selector(self.metric, (*self.fixed, *matchers))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The convention found in a backend, with the labels that it uses there."""

    requests: Named
    duration_buckets: Named
    up: Named
    status_label: str
    failed: Matcher


USUAL = Vocabulary(
    requests=Named("http_requests_total", "service"),
    duration_buckets=Named("http_request_duration_seconds_bucket", "service"),
    up=Named(UP, "service"),
    status_label="status",
    failed=Matcher("status", "=~", _FAILED),
)
"""Of a backend that has nothing of the kind: asked with it, the answer is "no data"."""


async def find(sources: Sources, service: str | None = None) -> Vocabulary:
    """The first conventions that are there; with a service those that have it."""
    scope = Scope({"service": (service,)} if service else {}, ("service",))
    requests, failures, durations, up = await asyncio.gather(
        _found(sources, "request_rate", scope),
        _found(sources, "error_rate", scope),
        _found(sources, "latency", scope),
        _found(sources, "availability", scope),
    )
    status = (failures.status_label if failures else None) or USUAL.status_label
    return Vocabulary(
        requests=_named(failures or requests, USUAL.requests),
        duration_buckets=_buckets(durations),
        up=_named(up if up and up.signal.main == UP else None, USUAL.up),
        status_label=status,
        failed=_failing(failures, status),
    )


async def _found(sources: Sources, concept: str, scope: Scope) -> Source | None:
    try:
        return await sources.find(concept, scope, Wanted())
    except CannotMeasure:
        return None


def _named(source: Source | None, usual: Named) -> Named:
    if source is None:
        return usual
    return Named(
        source.signal.main, dict(source.by)["service"], source.signal.metric.matchers, service=_own(source)
    )


def _buckets(source: Source | None) -> Named:
    if source is None or source.signal.kind != "histogram":
        return USUAL.duration_buckets
    signal: Signal = source.signal
    metric = f"{signal.metric.metric}_bucket"
    return Named(metric, dict(source.by)["service"], signal.metric.matchers, signal.scale, _own(source))


def _own(source: Source) -> Matcher | None:
    return source.matchers[0] if source.matchers and not source.unseen else None


def _failing(source: Source | None, status: str) -> Matcher:
    if source is not None and source.signal.failed is None and source.signal.part:
        return source.signal.part[0]
    return Matcher(status, "=~", (source.signal.failed if source else None) or _FAILED)
