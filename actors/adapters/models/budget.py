"""What the models may cost a day, in US dollars, over all processes where they share a Redis."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

KEEP_SECONDS = 2 * 86_400


class Budget:
    """Days are UTC. Without a Redis, and while it is away, this process counts for itself alone."""

    def __init__(
        self, usd_per_day: float, redis_url: str, today: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._limit = usd_per_day
        self._redis = Redis.from_url(redis_url) if redis_url else None
        self._today = today
        self._spent: dict[str, float] = {}

    async def left(self) -> bool:
        """Whether something may still be spent today; a budget of 0 has no limit."""
        return self._limit <= 0 or await self._spent_today() < self._limit

    async def spend(self, usd: float) -> None:
        if usd <= 0:
            return
        key = self._key()
        self._spent = {key: self._spent.get(key, 0.0) + usd}
        if self._redis is not None:
            try:
                await self._redis.incrbyfloat(key, usd)
                await self._redis.expire(key, KEEP_SECONDS)
            except (RedisError, OSError) as error:
                log.warning("models.budget.redis_away", error=str(error))

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()

    async def _spent_today(self) -> float:
        key = self._key()
        own = self._spent.get(key, 0.0)
        if self._redis is None:
            return own
        try:
            return max(own, float(await self._redis.get(key) or 0.0))
        except (RedisError, OSError) as error:
            log.warning("models.budget.redis_away", error=str(error))
            return own

    def _key(self) -> str:
        return f"copilot:models:usd:{self._today():%Y-%m-%d}"
