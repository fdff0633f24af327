"""Group commit: the writes of many sessions share a transaction.

A commit costs a flush to disk whatever it holds. While one transaction runs, the next writes gather; then
they go together. Nobody waits for a timer: alone, a write starts at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from actors.platform.guard.fault_points import fault_point
from actors.platform.store.database import Database, Row
from schemas.errors import Unavailable

MAX_BATCH = 256
MAX_WAITING = 10_000


@dataclass(slots=True)
class _Write:
    order: str
    statements: list[tuple[str, Mapping[str, Any]]]
    done: asyncio.Future[list[list[Row]]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class GroupCommit:
    """`lanes` transactions may be under way at a time: one fills while another flushes."""

    def __init__(self, database: Database, lanes: int = 2) -> None:
        self._database = database
        self._waiting: asyncio.Queue[_Write] = asyncio.Queue(MAX_WAITING)
        self._lanes = lanes
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._lane()) for _ in range(self._lanes)]

    async def stop(self) -> None:
        """Returns when everything that was handed in is committed or refused."""
        await self._waiting.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def write(self, order: str, statements: list[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        """Returns the rows of each statement after the commit. `order` sorts the writes of a transaction:
        two transactions that touch the same rows take them in the same order and cannot deadlock."""
        write = _Write(order, statements)
        try:
            self._waiting.put_nowait(write)
        except asyncio.QueueFull as error:
            raise Unavailable("too many writes are waiting", after=1.0) from error
        return await write.done

    async def _lane(self) -> None:
        while True:
            writes = [await self._waiting.get()]
            while len(writes) < MAX_BATCH and not self._waiting.empty():
                writes.append(self._waiting.get_nowait())
            try:
                await self._commit(writes)
            finally:
                for _ in writes:
                    self._waiting.task_done()

    async def _commit(self, writes: list[_Write]) -> None:
        writes = sorted(writes, key=lambda write: write.order)
        try:
            await fault_point("store.commit.before")
            rows = await self._database.batch([s for write in writes for s in write.statements])
            await fault_point("store.commit.after")
        except Unavailable as error:
            # Whether the commit happened is not known; the caller's retry finds its own key.
            _refuse(writes, error)
        except psycopg.Error as error:
            if len(writes) == 1:
                _refuse(writes, error)
                return
            for write in writes:  # one of them cannot be written: it must not take the others down
                await self._commit([write])
        else:
            _hand_out(writes, rows)


def _hand_out(writes: list[_Write], rows: list[list[Row]]) -> None:
    position = 0
    for write in writes:
        count = len(write.statements)
        if not write.done.done():
            write.done.set_result(rows[position : position + count])
        position += count


def _refuse(writes: list[_Write], error: Exception) -> None:
    for write in writes:
        if not write.done.done():
            write.done.set_exception(error)
