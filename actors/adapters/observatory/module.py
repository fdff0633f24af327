"""The observatory: metrics, health and the catalogue, from whatever backend keeps the numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from actors.adapters.observatory import health, logql, metric, raw, traceql, vocabulary
from actors.adapters.observatory.asking import all_degraded, all_evidence, ask
from actors.adapters.observatory.catalogue import CatalogueReader, reachable
from actors.adapters.observatory.discovery import Discovery
from actors.adapters.observatory.inventory import Inventory
from actors.adapters.observatory.measuring.build import Builder, usual_range
from actors.adapters.observatory.measuring.measure import Measuring
from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.promql import window_seconds
from actors.adapters.observatory.questions import Questions
from actors.adapters.observatory.registry import METRICS_BACKENDS
from actors.adapters.observatory.sources import Sources
from actors.adapters.port import Answer, Call, Offer, Wiring
from schemas.adapters import (
    CATALOGUE,
    HEALTH,
    MEASURE,
    METRIC,
    QUERY,
    STATE,
    TRANSLATE,
    UPSTREAM,
    BackendState,
    BackendStates,
    Catalogue,
    Empty,
    HealthAnswer,
    HealthQuestion,
    MetricAnswer,
    MetricQuestion,
    RawAnswer,
    RawQuery,
    UpstreamAnswer,
)
from schemas.envelope import now
from schemas.errors import InvalidInput, NotThereYet, Violation
from schemas.measures import Measured, Translation
from schemas.plans import Plan, TimeRange

MOST_NAMED = 50
"""Services in one query's matcher; beyond it the query asks for all and the answer takes its own."""


class ObservatoryModule:
    """A `Module`. The first metrics backend is asked; the state of all of them is told."""

    def __init__(
        self, wiring: Wiring, backends: Sequence[Callable[[Wiring], MetricsBackend]] = METRICS_BACKENDS
    ) -> None:
        settings = wiring.settings
        self.name: Final = "observatory"
        self._backends = tuple(make(wiring) for make in backends)
        self._metrics = self._backends[0]
        self._slo = settings.catalogue.slo
        ttl = settings.observatory.catalogue_ttl_seconds
        self.inventory: Final = Inventory(self._metrics, ttl)
        self._sources = Sources(self.inventory, settings.observatory.metrics, settings.observatory.labels)
        self._discovery = Discovery(self._metrics, self._sources, ttl)
        self._log_labels = settings.observatory.log_labels
        self._measuring = Measuring(self._metrics, Builder(self._sources, self._slo))
        self._catalogue = CatalogueReader(self._discovery, settings.catalogue)
        self.offers: Final[tuple[Offer[Any, Any], ...]] = (
            Offer(CATALOGUE, self.catalogue),
            Offer(METRIC, self.metric),
            Offer(UPSTREAM, self.upstream),
            Offer(HEALTH, self.health),
            Offer(TRANSLATE, self.translate),
            Offer(MEASURE, self.measure),
            Offer(QUERY, self.query),
            Offer(STATE, self.state),
        )

    async def states(self) -> tuple[BackendState, ...]:
        return tuple(await asyncio.gather(*(backend.state() for backend in self._backends)))

    async def close(self) -> None:
        """Nothing is held beside the actor's own session."""

    async def catalogue(self, asked: Empty, call: Call) -> Answer[Catalogue]:
        found = await self._catalogue.read()
        return Answer(found, degraded=found.degraded)

    async def metric(self, asked: MetricQuestion, call: Call) -> Answer[MetricAnswer]:
        only = None if asked.service is None else (asked.service,)
        to = await self._questions(asked.range, only)
        found, catalogue = await asyncio.gather(
            ask(self._metrics, metric.questions_for(asked, to), asked.range), self._catalogue.read()
        )
        output = metric.answer(asked, found, self._slo, asked.service, each=False)
        calls = catalogue.depends_on.get(asked.service or "", ())
        return Answer(output.model_copy(update={"calls": calls}), all_evidence(found), all_degraded(found))

    async def upstream(self, asked: MetricQuestion, call: Call) -> Answer[UpstreamAnswer]:
        """One group of queries for all of the services together, whatever their number."""
        if asked.service is None:
            violation = Violation(pointer="/service", detail="must name the service whose dependencies are meant")
            raise InvalidInput("upstream needs a service", violations=(violation,))
        catalogue = await self._catalogue.read()
        services = reachable(catalogue.depends_on, asked.service)
        if not services:
            return Answer(UpstreamAnswer(service=asked.service, figures=()), degraded=catalogue.degraded)
        named = services if len(services) <= MOST_NAMED else None
        to = await self._questions(asked.range, named, each=True)
        found = await ask(self._metrics, metric.questions_for(asked, to), asked.range)
        figures = [metric.answer(asked, found, self._slo, service, each=True) for service in services]
        output = UpstreamAnswer(service=asked.service, figures=metric.worst_first(figures))
        return Answer(output, all_evidence(found), catalogue.degraded + all_degraded(found))

    async def health(self, asked: HealthQuestion, call: Call) -> Answer[HealthAnswer]:
        only = None if asked.service is None else (asked.service,)
        to = await self._questions(asked.range, only, each=True, environment=asked.environment)
        found = await ask(self._metrics, health.questions_for(to), asked.range)
        # Of an environment only those that it has; else those that are known and silent as well.
        known: set[str] = set() if asked.environment else set((await self._catalogue.read()).services)
        services = only or tuple(health.services_in(found) | known)
        output = HealthAnswer(services=health.judge(services, found, self._slo))
        return Answer(output, all_evidence(found), all_degraded(found))

    async def translate(self, asked: Plan, call: Call) -> Answer[Translation]:
        over = asked.range or usual_range(asked, now())
        if asked.intent == "log_query":
            return Answer(logql.translate(asked, over, self._log_labels))
        if asked.intent == "trace_query":
            return Answer(traceql.translate(asked, over))
        return Answer(await self._measuring.translate(asked))

    async def measure(self, asked: Plan, call: Call) -> Answer[Measured]:
        """Of metrics; no backend of logs or traces can be asked yet. Raises NotThereYet for these."""
        if asked.intent in ("log_query", "trace_query"):
            raise NotThereYet(f"no backend for {asked.intent.removesuffix('_query')}s can be asked yet")
        return await self._measuring.measure(asked)

    async def query(self, asked: RawQuery, call: Call) -> Answer[RawAnswer]:
        return await raw.run(self._metrics, asked)

    async def state(self, asked: Empty, call: Call) -> Answer[BackendStates]:
        return Answer(BackendStates(backends=await self.states()))

    async def _questions(
        self,
        over: TimeRange,
        services: tuple[str, ...] | None,
        each: bool = False,
        environment: str | None = None,
    ) -> Questions:
        window = window_seconds(over)
        only = services[0] if services is not None and len(services) == 1 else None
        if only or environment:
            found = await vocabulary.find(self._sources, only, environment)
            return Questions(found, window, services, each)
        return Questions(await self._discovery.vocabulary(), window, services, each)
