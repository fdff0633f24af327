"""The nlp pool: serves `understand`."""

from __future__ import annotations

import asyncio

from actors.nlp.catalogue import CatalogueWatch
from actors.nlp.understand import understand
from actors.platform.bus.transport import Transport
from actors.platform.pool.actor import Place, PoolActor
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

    async def open(self) -> None:
        self._catalogue.start()
        await self.bus.serve(UNDERSTAND, self._understand)

    async def close(self) -> None:
        await self._catalogue.stop()

    async def _understand(self, envelope: Envelope[Utterance]) -> Understanding:
        catalogue = await self._catalogue.current()
        if len(envelope.data.text) <= SHORT_TEXT:
            return understand(envelope.data, catalogue)
        return await asyncio.to_thread(understand, envelope.data, catalogue)
