"""The nlp pool: serves `understand`."""

from __future__ import annotations

import asyncio

from actors.nlp.catalogue import CatalogueWatch
from actors.nlp.ranker import Ranker
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


class NlpActor(PoolActor):
    def __init__(self, place: Place, transport: Transport | None = None) -> None:
        super().__init__(place, transport)
        self._catalogue = CatalogueWatch(self.bus, place.settings)
        self._ranker = Ranker(place.settings)

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
        return conclude(seen, rankings, self._ranker.registry)

    async def _conclude_long(self, utterance: Utterance, catalogue: Catalogue) -> Understanding:
        seen = await asyncio.to_thread(draft, utterance, catalogue)
        rankings = await asyncio.gather(*(self._ranker.rank(text) for text in seen.texts))
        return await asyncio.to_thread(conclude, seen, rankings, self._ranker.registry)
