"""Group commit: the records of many sessions share a transaction and a statement.

A commit costs a flush to disk whatever it holds, and a statement costs more to run than a row more in it. While
one transaction runs, the next records gather; then they go together. Nobody waits for a timer: alone, a record
starts at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from pydantic_core import to_json

from actors.platform.guard.fault_points import fault_point
from actors.platform.store.database import Database, Row
from schemas.errors import Unavailable

MAX_BATCH = 256
MAX_WAITING = 10_000


@dataclass(slots=True)
class _Write:
    key: str
    record: Mapping[str, Any]
    done: asyncio.Future[Row | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class GroupCommit:
    """`statement` is a named query that reads its records from `%(items)s`, a JSON array of objects with a number
    `n` beside the record's own fields, and returns at most one row for each, with that `n`. `before`, where given,
    is a named query that runs first in the same transaction, with the array `%(keys)s`.

    `lanes` transactions may be under way at a time: one fills while another flushes.
    """

    def __init__(self, database: Database, statement: str, *, before: str | None = None, lanes: int = 2) -> None:
        self._database = database
        self._statement = statement
        self._before = before
        self._waiting: deque[_Write] = deque()
        self._some = asyncio.Event()
        self._lanes = lanes
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._lane()) for _ in range(self._lanes)]

    async def stop(self) -> None:
        """Returns when everything that was handed in is committed or refused."""
        self._stopping = True
        self._some.set()
        await asyncio.gather(*self._tasks)

    async def write(self, key: str, record: Mapping[str, Any]) -> Row | None:
        """Returns the record's row after the commit. Records with one key are never in one statement: the later
        one sees what the earlier one has done. Raises Unavailable when nothing was stored, or nobody knows."""
        if self._stopping or len(self._waiting) >= MAX_WAITING:
            raise Unavailable("too many writes are waiting", after=1.0)
        write = _Write(key, record)
        self._waiting.append(write)
        self._some.set()
        return await write.done

    async def _lane(self) -> None:
        while True:
            await self._some.wait()
            writes = self._next()
            if writes:
                await self._commit(writes)
            elif self._stopping:
                return
            else:
                self._some.clear()

    def _next(self) -> list[_Write]:
        """One record a key, in the order they came; those that have to wait keep their place."""
        chosen: dict[str, _Write] = {}
        later: list[_Write] = []
        while self._waiting and len(chosen) < MAX_BATCH:
            write = self._waiting.popleft()
            if write.key in chosen:
                later.append(write)
            else:
                chosen[write.key] = write
        self._waiting.extendleft(reversed(later))
        return list(chosen.values())

    async def _commit(self, writes: list[_Write]) -> None:
        try:
            await fault_point("store.commit.before")
            rows = await self._database.batch(self._statements(writes))
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
            _hand_out(writes, rows[-1])

    def _statements(self, writes: list[_Write]) -> list[tuple[str, Mapping[str, Any]]]:
        items = to_json([{**write.record, "n": number} for number, write in enumerate(writes)]).decode()
        statement: tuple[str, Mapping[str, Any]] = (self._statement, {"items": items})
        if self._before is None:
            return [statement]
        return [(self._before, {"keys": [write.key for write in writes]}), statement]


def _hand_out(writes: list[_Write], rows: list[Row]) -> None:
    by_number = {row["n"]: row for row in rows}
    for number, write in enumerate(writes):
        if not write.done.done():
            write.done.set_result(by_number.get(number))


def _refuse(writes: list[_Write], error: Exception) -> None:
    for write in writes:
        if not write.done.done():
            write.done.set_exception(error)
