"""What the backend has: its vocabulary, services, environments and who calls whom; asked once per period."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from actors.adapters.deadline import ends_in
from actors.adapters.observatory import conventions
from actors.adapters.observatory.conventions import ENVIRONMENT_LABELS, Vocabulary
from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.promql import Query, Selector, aggregate, last_within
from schemas.envelope import now
from schemas.errors import CopilotError
from schemas.plans import TimeRange

LOOKBACK = timedelta(days=7)
CALLS_SECONDS = 3_600
"""A call counts as a dependency this long after it was last seen."""
PATIENCE_SECONDS = 2.0
FAILURE_SECONDS = 1.0
"""A backend that was away is not asked again within this time, so that nobody queues behind its timeouts."""


@dataclass(frozen=True, slots=True)
class Discovered:
    vocabulary: Vocabulary
    services: tuple[str, ...]
    environments: tuple[str, ...]
    depends_on: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Kept:
    value: Discovered
    until: float


class Discovery:
    def __init__(self, backend: MetricsBackend, ttl_seconds: float) -> None:
        self._backend = backend
        self._ttl = ttl_seconds
        self._lock = asyncio.Lock()
        self._kept: _Kept | None = None
        self._failed: tuple[float, CopilotError] | None = None

    @property
    def last(self) -> Discovered | None:
        """What was found last, however long ago."""
        return self._kept.value if self._kept else None

    async def current(self) -> Discovered:
        """Not older than the period. Raises what the backend raised."""
        if self._kept and time.monotonic() < self._kept.until:
            return self._kept.value
        async with self._lock:  # one asks, the others take what it found
            if self._kept and time.monotonic() < self._kept.until:
                return self._kept.value
            return await self._refresh()

    async def vocabulary(self) -> Vocabulary:
        """An older one is good enough: the question itself will tell that the backend is away."""
        try:
            return (await self.current()).vocabulary
        except CopilotError:
            if self._kept is None:
                raise
            return self._kept.value.vocabulary

    async def _refresh(self) -> Discovered:
        if self._failed and time.monotonic() < self._failed[0]:
            raise self._failed[1]
        try:
            with ends_in(PATIENCE_SECONDS):
                found = await _discover(self._backend)
        except CopilotError as error:
            self._failed = (time.monotonic() + FAILURE_SECONDS, error)
            raise
        self._failed = None
        self._kept = _Kept(found, time.monotonic() + self._ttl)
        return found


async def _discover(backend: MetricsBackend) -> Discovered:
    end = now()
    over = TimeRange(start=end - LOOKBACK, end=end)
    vocabulary = await conventions.find(backend, over)
    services, environments, calls = await asyncio.gather(
        _services(backend, over, vocabulary), _environments(backend, over), _calls(backend, over, vocabulary)
    )
    return Discovered(vocabulary, services, environments, calls)


async def _services(backend: MetricsBackend, over: TimeRange, vocabulary: Vocabulary) -> tuple[str, ...]:
    """A label `service` means services wherever it is; `job` only beside requests: exporters have it too."""
    label = vocabulary.requests.service_label
    everywhere = label == conventions.SERVICE_LABELS[0]
    of = None if everywhere else Selector(vocabulary.requests.metric)
    return tuple(value for value in await backend.label_values(label, over, of) if value)


async def _environments(backend: MetricsBackend, over: TimeRange) -> tuple[str, ...]:
    found = await asyncio.gather(*(backend.label_values(label, over) for label in ENVIRONMENT_LABELS))
    return tuple(sorted({value for values in found for value in values if value}))


async def _calls(backend: MetricsBackend, over: TimeRange, vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    caller, target = vocabulary.calls.service_label, vocabulary.target_label
    recent = last_within(vocabulary.calls.selector(), CALLS_SECONDS)
    reading = await backend.instant(Query(aggregate("group", recent, by=(caller, target))), over.end)
    graph: defaultdict[str, set[str]] = defaultdict(set)
    for sample in reading.samples:
        if sample.labels.get(caller) and sample.labels.get(target):
            graph[sample.labels[caller]].add(sample.labels[target])
    return {service: tuple(sorted(called)) for service, called in sorted(graph.items())}
