"""The way out of the history: every event goes to the bus at least once, in order where nothing fails.

Whoever has written events tells them at once and marks them a little later, many at a time. What stays unmarked
(its writer died, the bus was away) any actor tells again. Followers go by the number: twice does no harm, and a
gap is filled from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from pydantic_core import to_json

from actors.platform.bus import Bus
from actors.platform.bus.transport import NoAnswer
from actors.platform.guard.fault_points import fault_point
from actors.platform.store import Database
from schemas.errors import Unavailable
from schemas.subjects import ROOT, RUN_EVENT
from schemas.workflow import RUN_FINAL

log = structlog.get_logger(__name__)

MARK_SECONDS = 0.05
MOST_AT_ONCE = 1_000

WakeParent = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Told:
    run_id: str
    seq: int
    type: str
    at: datetime
    payload: dict[str, Any]
    parent_id: str | None = None

    def body(self) -> bytes:
        """A `RunEvent`."""
        head = {"workflow_id": self.run_id, "sequence": self.seq, "type": self.type, "at": self.at}
        return to_json({**head, **self.payload}, inf_nan_mode="null")


class Outbox:
    """`old_seconds`: an event that is unmarked for so long has been left behind. `wake_parent` is told of each run
    that has ended before its last event is marked: that, too, happens at least once."""

    def __init__(self, bus: Bus, database: Database, wake_parent: WakeParent, old_seconds: float) -> None:
        self._bus = bus
        self._database = database
        self._wake_parent = wake_parent
        self._old_seconds = old_seconds
        self._fresh: asyncio.Queue[list[Told]] = asyncio.Queue()
        self._unmarked: list[Told] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        work = (self._tell_fresh(), self._mark_told(), self._sweep())
        self._tasks = [asyncio.create_task(one) for one in work]

    async def stop(self) -> None:
        """Tells and marks what is left; what cannot be told now is left to others."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while not self._fresh.empty():
            await self._tell(self._fresh.get_nowait())
        await self._mark()

    def add(self, events: list[Told]) -> None:
        self._fresh.put_nowait(events)

    async def _tell_fresh(self) -> None:
        while True:
            await self._tell(await self._fresh.get())

    async def _tell(self, events: list[Told]) -> None:
        try:
            await self._publish(events)
        except (Unavailable, NoAnswer) as error:
            log.warning("outbox.left", events=len(events), error=repr(error))
        else:
            self._unmarked.extend(events)

    async def _mark_told(self) -> None:
        while True:
            await asyncio.sleep(MARK_SECONDS)
            await self._mark()

    async def _mark(self) -> None:
        events, self._unmarked = self._unmarked, []
        if not events:
            return
        try:
            await self._bus.flush()
            await fault_point("workflow.outbox.publish")
            await self._database.batch([("mark_lazily", {}), ("mark_published", _marks(events))])
            await fault_point("workflow.outbox.mark")
        except (Unavailable, NoAnswer) as error:
            log.warning("outbox.unmarked", events=len(events), error=repr(error))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._old_seconds / 2)
            try:
                while await self._tell_old() == MOST_AT_ONCE:
                    continue
            except (Unavailable, NoAnswer) as error:
                log.warning("outbox.waiting", error=repr(error))

    async def _tell_old(self) -> int:
        async with self._database.transaction() as transaction:
            rows = await transaction.all("unpublished", {"older_than": self._old_seconds, "limit": MOST_AT_ONCE})
            events = [
                Told(row["run_id"], row["seq"], row["type"], row["at"], row["payload"], row["parent_id"])
                for row in rows
            ]
            if events:
                await self._publish(events)
                await self._bus.flush()
                await fault_point("workflow.outbox.publish")
                await transaction.all("mark_published", _marks(events))
        if events:
            await fault_point("workflow.outbox.mark")
        return len(events)

    async def _publish(self, events: list[Told]) -> None:
        for event in events:
            if event.parent_id is not None and event.type in RUN_FINAL:
                await self._wake_parent(event.parent_id)
            await self._bus.publish_body(
                RUN_EVENT,
                event.body(),
                kind=f"{ROOT}workflow.{event.type}",
                id=f"{event.run_id}:{event.seq}",
                run=event.run_id,
                what=event.type,
            )


def _marks(events: list[Told]) -> dict[str, Any]:
    return {"run_ids": [event.run_id for event in events], "seqs": [event.seq for event in events]}
