"""Whether an actor still answers: asked over the bus, under the name of its slot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from actors.platform.bus import Bus
from actors.platform.bus.nats import CONNECT_ERRORS
from actors.platform.bus.transport import NoAnswer, NobodyListens
from schemas.errors import CopilotError
from schemas.subjects import ALIVE
from schemas.system import Ping

EVERY_SECONDS = 1.0
ANSWER_SECONDS = 1.0
MISSES = 6  # in a row
ROUND_TRIP_SECONDS = 1.0
BUS_ERRORS = (*CONNECT_ERRORS, NoAnswer, NobodyListens)


class Pulse(Protocol):
    """How the supervisor feels whether the actor in a slot lives."""

    async def lost(self, slot: str) -> str:
        """Returns when the actor in this slot has stopped answering, with what is to be said of it."""
        ...

    async def told(self, slot: str, say: Callable[[str], None]) -> None:
        """Goes on saying what the start in this slot waits for, whenever that changes."""
        ...


class BusPulse:
    """A miss counts only while the bus itself carries: when NATS is away nobody answers, and nobody hangs.

    Counted in questions and not in seconds: while this process is stopped, nobody else is to blame.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def lost(self, slot: str) -> str:
        missed = 0
        while missed < MISSES:
            await asyncio.sleep(EVERY_SECONDS)
            if await self._waits_for(slot) is not None:
                missed = 0
            elif await self._carries():
                missed += 1
            else:
                missed = 0
        return f"did not answer {missed} times in a row and was killed"

    async def told(self, slot: str, say: Callable[[str], None]) -> None:
        said = ""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            waits_for = await self._waits_for(slot) if self._bus.connected else "NATS"
            if waits_for is not None and waits_for != said:
                say(f"waits for {waits_for}" if waits_for else "")
                said = waits_for

    async def _waits_for(self, slot: str) -> str | None:
        """None where nobody answers."""
        try:
            alive = await self._bus.request(ALIVE, Ping(), seconds=ANSWER_SECONDS, once=True, slot=slot)
        except (CopilotError, *BUS_ERRORS):
            return None
        return alive.waits_for

    async def _carries(self) -> bool:
        try:
            await self._bus.round_trip(ROUND_TRIP_SECONDS)
        except BUS_ERRORS:
            return False
        return True
