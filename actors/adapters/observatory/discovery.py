"""What the backend has of services: names, environments and who calls whom; asked once per period."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from actors.adapters.observatory import vocabulary as vocabularies
from actors.adapters.observatory.conventions import CONVENTIONS
from actors.adapters.observatory.expressions import Span, aggregate, levelled
from actors.adapters.observatory.freshness import Fresh
from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.promql import Query, Selector
from actors.adapters.observatory.scope import Scope
from actors.adapters.observatory.sources import CannotMeasure, Sources
from actors.adapters.observatory.vocabulary import Vocabulary
from schemas.envelope import now
from schemas.plans import TimeRange

LOOKBACK = timedelta(days=7)
CALLS_SECONDS = 3_600
"""A call counts as a dependency this long after it was last seen."""


@dataclass(frozen=True, slots=True)
class Discovered:
    vocabulary: Vocabulary
    services: tuple[str, ...]
    environments: tuple[str, ...]
    depends_on: Mapping[str, tuple[str, ...]]


class Discovery:
    def __init__(self, backend: MetricsBackend, sources: Sources, ttl_seconds: float) -> None:
        self._backend = backend
        self._sources = sources
        self._found = Fresh(self._discover, ttl_seconds)

    @property
    def last(self) -> Discovered | None:
        """What was found last, however long ago."""
        return self._found.last

    async def current(self) -> Discovered:
        """Not older than the period. Raises what the backend raised."""
        return await self._found.current()

    async def vocabulary(self) -> Vocabulary:
        """An older one is good enough: the question itself will tell that the backend is away."""
        return (await self._found.usable()).vocabulary

    async def _discover(self) -> Discovered:
        end = now()
        over = TimeRange(start=end - LOOKBACK, end=end)
        found, services, environments, calls = await asyncio.gather(
            vocabularies.find(self._sources), self._services(over), self._environments(over), self._calls(end)
        )
        return Discovered(found, services, environments, calls)

    async def _services(self, over: TimeRange) -> tuple[str, ...]:
        """Of every metric of requests. A label `service` means services wherever it is; any other only beside
        requests: exporters have a job too."""
        found: set[str] = set()
        for signal in await self._sources.available("request_rate"):
            try:
                source = await self._sources.of_signal(signal, Scope(by=("service",)))
            except CannotMeasure:
                continue
            (label,) = source.labels
            of = None if label == "service" else Selector(signal.main)
            values = await self._backend.label_values(label, over, of)
            found.update(_name(label, value) for value in values if value)
        return tuple(sorted(found))

    async def _environments(self, over: TimeRange) -> tuple[str, ...]:
        labels = CONVENTIONS.roles["environment"]
        found = await asyncio.gather(*(self._backend.label_values(label, over) for label in labels))
        return tuple(sorted({value for values in found for value in values if value}))

    async def _calls(self, end: datetime) -> dict[str, tuple[str, ...]]:
        graph: defaultdict[str, set[str]] = defaultdict(set)
        for signal in await self._sources.available("calls"):
            try:
                source = await self._sources.of_signal(signal, Scope(by=("service", "target")))
            except CannotMeasure:
                continue
            caller, target = source.labels
            recent = levelled("last", source.main(), Span(CALLS_SECONDS))
            reading = await self._backend.instant(Query(aggregate("group", recent, by=(caller, target))), end)
            for sample in reading.samples:
                if sample.labels.get(caller) and sample.labels.get(target):
                    graph[_name(caller, sample.labels[caller])].add(sample.labels[target])
        return {service: tuple(sorted(called)) for service, called in sorted(graph.items())}


def _name(label: str, value: str) -> str:
    """OpenTelemetry's job is `namespace/name`."""
    return value.rsplit("/", 1)[-1] or value if label == "job" else value
