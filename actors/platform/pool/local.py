"""The pools in this process, without Ray: one event loop, quick to start, nothing to install."""

from __future__ import annotations

import asyncio
import os

import structlog

from actors.platform.pool.actor import Place, PoolActor
from actors.platform.pool.definition import Pool

log = structlog.get_logger(__name__)

KILL_SECONDS = 2.0


class LocalActor:
    def __init__(self, actor: PoolActor) -> None:
        self._actor = actor

    @property
    def pid(self) -> int | None:
        return os.getpid()

    async def ended(self) -> str:
        await asyncio.Event().wait()  # it lives as long as this process
        return ""

    async def stop(self, grace_seconds: float) -> None:
        try:
            async with asyncio.timeout(grace_seconds):
                await self._actor.stop()
        except TimeoutError:
            log.warning("actor.not_drained", slot=self._actor.place.slot, grace_seconds=grace_seconds)
        except Exception:
            # The border of the actor: what it cannot let go of must not keep the others from stopping.
            log.exception("actor.not_drained", slot=self._actor.place.slot)

    async def kill(self) -> None:
        """It shares this process: all that can be done is to let go of what it has."""
        await self.stop(KILL_SECONDS)


class LocalRuntime:
    name = "local"

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def start(self, pool: Pool, place: Place, cpus: float) -> LocalActor:
        actor = pool.load()(place)
        try:
            await actor.start()
        except BaseException:
            await LocalActor(actor).kill()
            raise
        return LocalActor(actor)
