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

SLOW_WRITE_SECONDS = 1.0  # a renewal that takes longer shows in the readiness
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
        self._begun: float | None = None
        self._refused = ""
        self._task: asyncio.Task[None] | None = None

    @property
    def holds(self) -> bool:
        """False once so much time has passed since the last renewal that others may have taken over. The clock
        goes on while the process is stopped."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) < self._until

    @property
    def trouble(self) -> str:
        """Why nothing can be stored at the moment; empty while writes come through. Reading may work all the same:
        a full disk or a hanging flush shows in writes alone."""
        waited = time.monotonic() - self._begun if self._begun is not None else 0.0
        return f"a write has been waiting for {waited:.1f} s" if waited > SLOW_WRITE_SECONDS else self._refused

    async def start(self) -> None:
        await self._renew()
        self._task = asyncio.create_task(self._keep())

    async def release(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._database.run("release_lease", {"actor": self.actor})
        except Unavailable as error:
            # It lapses by itself, a few seconds later.
            log.warning("lease.not_released", actor=self.actor, error=error.detail)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._renew_seconds)
            try:
                await self._renew()
            except Unavailable as error:
                # What passes to another meanwhile is fenced by its epoch.
                log.warning("lease.not_renewed", actor=self.actor, error=error.detail)
            except Exception:
                # An actor without a lease loses everything to the others: this loop must not end.
                log.exception("lease.not_renewed", actor=self.actor)

    async def _renew(self) -> None:
        asked = time.clock_gettime(time.CLOCK_BOOTTIME)  # before: the store's own count begins later
        self._begun = time.monotonic()
        try:
            await self._database.run("renew_lease", {"actor": self.actor, "seconds": self._seconds})
        except Unavailable as error:
            self._refused = error.detail
            raise
        finally:
            self._begun = None
        self._refused = ""
        self._until = asked + self._seconds
