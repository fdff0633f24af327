"""The lease of one life of an actor."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import structlog

from actors.platform.bus.ids import new_ulid
from actors.platform.store import Database
from schemas.errors import Unavailable

log = structlog.get_logger(__name__)

QUERIES = Path(__file__).with_name("queries.sql")
"""A room that holds a lease loads these beside its own."""


class Lease:
    """Says every `renew_seconds` that this life of the actor goes on. A new life has a new name: what the former
    one held is not its own by accident."""

    def __init__(self, database: Database, slot: str, *, seconds: float, renew_seconds: float) -> None:
        self.actor = f"{slot}@{new_ulid()}"
        self._database = database
        self._seconds = seconds
        self._renew_seconds = renew_seconds
        self._until = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def holds(self) -> bool:
        """False once so much time has passed since the last renewal that others may have taken over. The clock
        goes on while the process is stopped."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) < self._until

    async def start(self) -> None:
        await self._renew()
        self._task = asyncio.create_task(self._keep())

    async def release(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._database.run("release_lease", {"actor": self.actor})

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._renew_seconds)
            try:
                await self._renew()
            except Unavailable as error:
                # What passes to another meanwhile is fenced by its epoch.
                log.warning("lease.not_renewed", actor=self.actor, error=error.detail)

    async def _renew(self) -> None:
        asked = time.clock_gettime(time.CLOCK_BOOTTIME)  # before: the store's own count begins later
        await self._database.run("renew_lease", {"actor": self.actor, "seconds": self._seconds})
        self._until = asked + self._seconds
