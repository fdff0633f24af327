"""Runs that were started by a step which does not wait for them any more: they are cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from actors.platform.lease import Watch
from actors.platform.store import Database
from actors.platform.store.database import Row

POLL_SECONDS = 5.0
"""A holder that let go of one says so; this is for those that died before they could."""

Cancel = Callable[[Row], Awaitable[None]]


class Orphans:
    def __init__(self, database: Database, cancel: Cancel) -> None:
        self._database = database
        self._cancel = cancel
        self._watch = Watch(self._look, POLL_SECONDS)

    def start(self) -> None:
        self._watch.start()

    async def stop(self) -> None:
        await self._watch.stop()

    def look(self) -> None:
        self._watch.wake()

    async def _look(self, woken: bool) -> None:
        for row in await self._database.all("orphaned_runs", {}):
            await self._cancel(row)
