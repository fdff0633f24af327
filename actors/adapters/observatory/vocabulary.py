"""The metrics of requests as one backend has them: what health and the error-rate's breakdown are asked with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from actors.adapters.observatory.conventions import UP, Signal
from actors.adapters.observatory.promql import Matcher, Selector
from actors.adapters.observatory.scope import Scope
from actors.adapters.observatory.sources import CannotMeasure, Source, Sources, Wanted

_FAILED = "5.."


@dataclass(frozen=True, slots=True)
class Named:
    """A metric as this backend has it; `fixed` holds for all of its series, `scale` is the factor to base units.
    `scope` is what is asked about, in the way this metric writes it; None where it does not have it."""

    metric: str
    service_label: str
    fixed: tuple[Matcher, ...] = ()
    scale: float = 1.0
    scope: tuple[Matcher, ...] | None = None

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


async def find(sources: Sources, service: str | None = None, environment: str | None = None) -> Vocabulary:
    """The first conventions that are there; of a service or an environment those that have it."""
    asked = {"service": service, "environment": environment}
    scope = Scope({role: (value,) for role, value in asked.items() if value}, ("service",))
    requests, failures, durations, up = await asyncio.gather(
        _found(sources, "request_rate", scope),
        _found(sources, "error_rate", scope),
        _found(sources, "latency", scope),
        _found(sources, "availability", scope),
    )
    status = (failures.status_label if failures else None) or USUAL.status_label
    return Vocabulary(
        requests=_named(failures or requests, USUAL.requests, scope),
        duration_buckets=_buckets(durations, scope),
        up=_named(up if up and up.signal.main == UP else None, USUAL.up, scope),
        status_label=status,
        failed=_failing(failures, status),
    )


async def _found(sources: Sources, concept: str, scope: Scope) -> Source | None:
    try:
        return await sources.find(concept, scope, Wanted())
    except CannotMeasure:
        return None


def _named(source: Source | None, usual: Named, scope: Scope) -> Named:
    if source is None:
        return _unknown(usual, scope)
    signal = source.signal
    return Named(signal.main, dict(source.by)["service"], signal.metric.matchers, scope=_own(source, scope))


def _buckets(source: Source | None, scope: Scope) -> Named:
    if source is None or source.signal.kind != "histogram":
        return _unknown(USUAL.duration_buckets, scope)
    signal: Signal = source.signal
    metric = f"{signal.metric.metric}_bucket"
    service = dict(source.by)["service"]
    return Named(metric, service, signal.metric.matchers, signal.scale, _own(source, scope))


def _unknown(usual: Named, scope: Scope) -> Named:
    """What cannot be told apart so has no data: never that of everything."""
    return replace(usual, scope=tuple(Matcher(role, "=", values[0]) for role, values in scope.wanted.items()))


def _own(source: Source, scope: Scope) -> tuple[Matcher, ...] | None:
    return source.matchers if scope.wanted else None


def _failing(source: Source | None, status: str) -> Matcher:
    if source is not None and source.signal.failed is None and source.signal.part:
        return source.signal.part[0]
    return Matcher(status, "=~", (source.signal.failed if source else None) or _FAILED)
