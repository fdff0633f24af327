"""Answers that hold for a while: asked once per period, by one for all, and kept while the source is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from actors.adapters.deadline import ends_in
from schemas.errors import CopilotError

PATIENCE_SECONDS = 2.0
FAILURE_SECONDS = 1.0
"""A backend that was away is not asked again within this time, so that nobody queues behind its timeouts."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    until: float


class Fresh(Generic[T]):
    """What `ask` answers, not older than `ttl_seconds`."""

    def __init__(self, ask: Callable[[], Awaitable[T]], ttl_seconds: float) -> None:
        self._ask = ask
        self._ttl = ttl_seconds
        self._lock = asyncio.Lock()
        self._kept: _Kept[T] | None = None
        self._failed: tuple[float, CopilotError] | None = None

    @property
    def last(self) -> T | None:
        """What was answered last, however long ago."""
        return self._kept.value if self._kept else None

    async def current(self) -> T:
        """Raises what the source raised."""
        if self._kept and time.monotonic() < self._kept.until:
            return self._kept.value
        async with self._lock:  # one asks, the others take what it found
            if self._kept and time.monotonic() < self._kept.until:
                return self._kept.value
            return await self._refresh()

    async def usable(self) -> T:
        """An older one is good enough: the question itself will tell that the source is away."""
        try:
            return await self.current()
        except CopilotError:
            if self._kept is None:
                raise
            return self._kept.value

    async def _refresh(self) -> T:
        if self._failed and time.monotonic() < self._failed[0]:
            raise self._failed[1]
        try:
            with ends_in(PATIENCE_SECONDS):
                found = await self._ask()
        except CopilotError as error:
            self._failed = (time.monotonic() + FAILURE_SECONDS, error)
            raise
        self._failed = None
        self._kept = _Kept(found, time.monotonic() + self._ttl)
        return found
