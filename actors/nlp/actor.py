"""The nlp pool: serves `understand`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from actors.nlp.catalogue import CatalogueWatch
from actors.nlp.classifier import Ranking
from actors.nlp.deciding import decided, unsure
from actors.nlp.ranker import Ranker
from actors.nlp.registry import Registry
from actors.nlp.understand import Draft, conclude, draft
from actors.platform.bus.transport import Transport
from actors.platform.pool.actor import Place, PoolActor
from schemas.adapters import Catalogue
from schemas.envelope import Envelope
from schemas.nlp import Understanding, Utterance
from schemas.subjects import UNDERSTAND

SHORT_TEXT = 1_000
"""Characters. Up to here the work takes a few milliseconds and stays on the event loop; a text of the full length
may take some hundred, and must not hold up the others."""


class Ranks(Protocol):
    """Who ranks the intents of a text."""

    @property
    def registry(self) -> Registry: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def rank(self, text: str) -> Ranking: ...


class NlpActor(PoolActor):
    def __init__(self, place: Place, transport: Transport | None = None, *, ranker: Ranks | None = None) -> None:
        super().__init__(place, transport)
        self._catalogue = CatalogueWatch(self.bus, place.settings)
        self._ranker = ranker or Ranker(place.settings)

    async def open(self) -> None:
        self._catalogue.start()
        await self._ranker.start()
        await self.bus.serve(UNDERSTAND, self._understand)

    async def close(self) -> None:
        await self._ranker.stop()
        await self._catalogue.stop()

    async def _understand(self, envelope: Envelope[Utterance]) -> Understanding:
        utterance, catalogue = envelope.data, await self._catalogue.current()
        if len(utterance.text) <= SHORT_TEXT:
            return await self._conclude(draft(utterance, catalogue))
        return await self._conclude_long(utterance, catalogue)

    async def _conclude(self, seen: Draft) -> Understanding:
        rankings = await asyncio.gather(*(self._ranker.rank(text) for text in seen.texts))
        meaning = conclude(seen, rankings, self._ranker.registry)
        return await self._with_model(seen, rankings, meaning)

    async def _conclude_long(self, utterance: Utterance, catalogue: Catalogue) -> Understanding:
        seen = await asyncio.to_thread(draft, utterance, catalogue)
        rankings = await asyncio.gather(*(self._ranker.rank(text) for text in seen.texts))
        meaning = await asyncio.to_thread(conclude, seen, rankings, self._ranker.registry)
        return await self._with_model(seen, rankings, meaning)

    async def _with_model(self, seen: Draft, rankings: Sequence[Ranking], meaning: Understanding) -> Understanding:
        """Nothing changes but `degraded` when the model fails."""
        if not self.settings.llm.configured or meaning.parts or not unsure(meaning, rankings[0]):
            return meaning
        registry, before = self._ranker.registry, seen.utterance.memory.plan
        context = before.intent if before is not None else None
        decision = await decided(self.bus, registry, seen.utterance.text, rankings[0], context)
        if decision.degraded is not None:
            return meaning.model_copy(update={"degraded": (*meaning.degraded, decision.degraded)})
        again = await asyncio.to_thread(conclude, seen, (decision.ranking, *rankings[1:]), registry)
        return again.model_copy(update={"usage": decision.usage})
