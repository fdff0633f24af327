"""The context pool: sessions, and the keys that make a retry the same request."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from actors.context.keys import Keys
from actors.context.sessions import Sessions
from actors.platform.bus.transport import Transport
from actors.platform.pool.actor import Place, PoolActor
from actors.platform.store import Database
from schemas.adapters import BackendState
from schemas.errors import Unavailable
from schemas.subjects import (
    CLAIM_KEY,
    CREATE_SESSION,
    DELETE_SESSION,
    FINISH_KEY,
    GET_SESSION,
    LIST_SESSIONS,
    SESSION_MEMORY,
)
from schemas.system import PROBE_SECONDS

log = structlog.get_logger(__name__)

FORGET_KEYS_SECONDS = 600.0


class ContextActor(PoolActor):
    def __init__(self, place: Place, transport: Transport | None = None) -> None:
        super().__init__(place, transport)
        self._database = Database(place.settings.database, Path(__file__).with_name("queries.sql"), self.telemetry)
        self._keys = Keys(self._database)
        self._redis = Redis.from_url(place.settings.redis.url) if place.settings.redis.url else None
        self._forgetting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        await self._database.open(self.waits)
        sessions = Sessions(self._database, self.bus)
        await self.bus.serve(CREATE_SESSION, sessions.create)
        await self.bus.serve(GET_SESSION, sessions.get)
        await self.bus.serve(LIST_SESSIONS, sessions.list)
        await self.bus.serve(SESSION_MEMORY, sessions.memory)
        await self.bus.serve(DELETE_SESSION, sessions.delete)
        await self.bus.serve(CLAIM_KEY, self._keys.claim)
        await self.bus.serve(FINISH_KEY, self._keys.finish)
        self._forgetting = asyncio.create_task(self._forget_keys())

    async def close(self) -> None:
        if self._forgetting is not None:
            self._forgetting.cancel()
            await asyncio.gather(self._forgetting, return_exceptions=True)
        await self._database.close()
        if self._redis is not None:
            await self._redis.aclose()

    async def dependencies(self) -> tuple[BackendState, ...]:
        database, redis = await asyncio.gather(self._database.state(), self._redis_state())
        return (database, redis)

    async def _redis_state(self) -> BackendState:
        """Redis may be lost: rate windows start anew, nothing else."""
        if self._redis is None:
            return BackendState(name="redis", status="not_configured")
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                await self._redis.ping()
        except (TimeoutError, RedisError, OSError) as error:
            message = str(error) or f"no answer within {PROBE_SECONDS:g} s"
            return BackendState(name="redis", status="down", message=message)
        latency = (time.perf_counter() - started) * 1000
        return BackendState(name="redis", status="up", latency_ms=round(latency, 2))

    async def _forget_keys(self) -> None:
        while True:
            await asyncio.sleep(FORGET_KEYS_SECONDS)
            try:
                await self._keys.forget()
            except Unavailable as error:
                log.warning("keys.not_forgotten", error=error.detail)
