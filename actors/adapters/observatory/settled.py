"""Readings of instants that lie in the past: read once, by one, and kept for a minute.

No later scrape changes what a query says about an instant before the last one; asking again would only repeat the
work. Instants near now are never kept.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from actors.adapters.observatory.readings import Reading

SETTLED_SECONDS = 30.0  # two scrapes of the usual 15 s
KEPT_SECONDS = 60.0
MOST = 2_048

Key = tuple[str, float]


class SettledReadings:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, asyncio.Task[Reading]]] = OrderedDict()

    async def read(self, query: str, at: datetime, ask: Callable[[], Coroutine[Any, Any, Reading]]) -> Reading:
        """What `ask` returns; a failure is not kept."""
        now = self._clock()
        if now - at.timestamp() < SETTLED_SECONDS:
            return await ask()
        key = (query, at.timestamp())
        kept = self._kept.get(key)
        if kept is None or now - kept[0] > KEPT_SECONDS or _failed(kept[1]):
            kept = (now, asyncio.create_task(ask()))
            self._keep(key, kept)
        # Several may wait for one reading: one that gives up must not take it from the others.
        return await asyncio.shield(kept[1])

    def _keep(self, key: Key, kept: tuple[float, asyncio.Task[Reading]]) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)


def _failed(task: asyncio.Task[Reading]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
