"""Whole replies, sent to the gateway that waits for them: most callers want nothing of a reply but its end.

One subscription for all of them, instead of one a turn that hears every event. A reply whose owner has changed is
not sent; whoever waits then looks into the stream.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Generator
from contextlib import contextmanager

from actors.platform.bus import Bus
from gateway.pools import BUS_ERRORS
from schemas.conversation import ReplyEvent
from schemas.errors import Unavailable
from schemas.subjects import REPLY_FINISHED

Key = tuple[str, str]


class Finished:
    """`name` is what a submission has to carry; it is this life's own."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.name = f"{bus.name}-{secrets.token_hex(6)}"
        self._awaited: dict[Key, asyncio.Future[ReplyEvent]] = {}
        self._opening = asyncio.Lock()
        self._open = False

    async def open(self) -> None:
        """Raises Unavailable when the bus does not take the subscription."""
        async with self._opening:
            if self._open:
                return
            subject = REPLY_FINISHED.subject(gateway=self.name)
            try:
                await self._bus.subscribe(REPLY_FINISHED, self._received, subject=subject)
            except BUS_ERRORS as error:
                raise Unavailable("the bus does not take subscriptions at the moment") from error
            self._open = True

    @contextmanager
    def awaited(self, session_id: str, turn_id: str) -> Generator[asyncio.Future[ReplyEvent]]:
        """Entered before the turn is submitted. The last one who waits for a turn gets its reply."""
        key = (session_id, turn_id)
        future = self._awaited[key] = asyncio.get_running_loop().create_future()
        try:
            yield future
        finally:
            if self._awaited.get(key) is future:
                del self._awaited[key]

    async def _received(self, event: ReplyEvent) -> None:
        future = self._awaited.get((event.session_id, event.turn_id))
        if future is not None and not future.done():
            future.set_result(event)
