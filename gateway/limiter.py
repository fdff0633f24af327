"""Rate limits per user over fixed windows of a minute, counted in Redis where there is one.

Redis may be lost: then each gateway counts for itself and goes on. Permits are taken in small batches, so
that a generous limit does not cost a round trip a request; a limit below BATCHES is counted exactly.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

import structlog
from limits.aio.storage import MemoryStorage, Storage
from limits.storage import storage_from_string
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60
BATCHES = 600
REDIS_TIMEOUT_SECONDS = 0.25
REDIS_REST_SECONDS = 5.0  # after a failure Redis is left alone this long
REMEMBERED_USERS = 100_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """`reset` is the number of seconds until the window ends."""

    limit: int
    remaining: int
    reset: int
    granted: bool

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


@dataclass(slots=True)
class _Account:
    window: int
    permits: int = 0
    """Taken from the storage and not used yet."""
    counted: int = 0


class RateLimiter:
    """`redis_url` may be empty; `redis://`, `rediss://` and `unix://` are known."""

    def __init__(self, requests_per_minute: int, redis_url: str = "") -> None:
        self._limit = requests_per_minute
        self._batch = max(1, requests_per_minute // BATCHES)
        self._memory: Storage = MemoryStorage()
        self._shared = _redis(redis_url) if redis_url else None
        self._rest_until = 0.0
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    async def take(self, owner: str) -> Allowance:
        """Takes one permit of the user's present window; `granted` says whether there was one."""
        now = time.time()
        account = self._account(owner, int(now // WINDOW_SECONDS))
        if account.permits <= 0 and account.counted < self._limit:
            await self._refill(owner, account)
        granted = account.permits > 0
        account.permits -= granted
        remaining = max(0, self._limit - account.counted) + max(0, account.permits)
        reset = (account.window + 1) * WINDOW_SECONDS - now
        return Allowance(self._limit, remaining, max(1, round(reset)), granted)

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.bridge.storage.aclose()  # pyright: ignore[reportAttributeAccessIssue]

    def _account(self, owner: str, window: int) -> _Account:
        account = self._accounts.get(owner)
        if account is None or account.window != window:
            account = self._accounts[owner] = _Account(window)
            self._accounts.move_to_end(owner)
            while len(self._accounts) > REMEMBERED_USERS:
                self._accounts.popitem(last=False)
        return account

    async def _refill(self, owner: str, account: _Account) -> None:
        key = f"copilot:rate:{owner}:{account.window}"
        counted = await self._count(key)
        over = max(0, counted - self._limit)
        account.counted = max(account.counted, min(counted, self._limit))
        account.permits += max(0, self._batch - over)

    async def _count(self, key: str) -> int:
        if self._shared is not None and time.monotonic() >= self._rest_until:
            try:
                return await self._shared.incr(key, 2 * WINDOW_SECONDS, self._batch)
            except (RedisError, OSError, TimeoutError) as error:
                self._rest_until = time.monotonic() + REDIS_REST_SECONDS
                log.warning("limiter.redis_lost", error=repr(error), falls_back_to="memory")
        return await self._memory.incr(key, 2 * WINDOW_SECONDS, self._batch)


def _redis(url: str) -> Storage:
    named = url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url
    storage = storage_from_string(
        f"async+{named}",
        implementation="redispy",  # the library's default is another client
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
    )
    if not isinstance(storage, Storage):
        raise TypeError(f"{type(storage).__name__} is not an asynchronous storage")
    return storage
