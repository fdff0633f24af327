"""The runs that this actor holds: taken when they come due or are left behind, kept until they are let go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from actors.platform.bus import Bus
from actors.platform.lease import Watch
from actors.platform.store import Database
from actors.platform.store.database import Row
from actors.platform.telemetry import Telemetry
from actors.workflow.keeper import Keeper
from actors.workflow.state import Held
from schemas.subjects import RUN_WAKE
from schemas.workflow import RunWake

log = structlog.get_logger(__name__)

MOST_HELD = 512
"""Runs that move at the same time in one actor; those that wait are not held."""
SOONEST_SECONDS = 0.005

MakeKeeper = Callable[[str, int, Held | None], Keeper]


class Holders:
    """`actor` is the name of this life; a run names it in its row."""

    def __init__(self, database: Database, bus: Bus, actor: str, make: MakeKeeper, telemetry: Telemetry) -> None:
        self._database = database
        self._bus = bus
        self._actor = actor
        self._make = make
        self._held: dict[str, tuple[Keeper, asyncio.Task[None]]] = {}
        self._gauge = telemetry.gauge("copilot_runs_held", "Runs that this actor holds.")
        self._claimed = telemetry.counter(
            "copilot_runs_claimed", "Runs taken up after a wait or a death.", ("why",)
        )
        self.watch = Watch(self._look)
        self._stopping = False

    @property
    def free(self) -> int:
        return 0 if self._stopping else MOST_HELD - len(self._held)

    def take(self, run_id: str, epoch: int, fresh: Held | None = None) -> None:
        """The run is this actor's in the store; `fresh`: it was just started, and nothing of it is written yet."""
        if run_id in self._held:
            self._held[run_id][0].poke()
            return
        keeper = self._make(run_id, epoch, fresh)
        task = asyncio.create_task(keeper.run())
        self._held[run_id] = keeper, task
        self._gauge.set(len(self._held))
        task.add_done_callback(lambda done: self._let_go(run_id, done))

    async def heard(self, run_id: str, actor: str | None, epoch: int) -> None:
        """Something was said to a run in the store: its holder looks; where there is none, somebody takes it."""
        if actor == self._actor:
            self.take(run_id, epoch)
        elif actor is None and self.free > 0:
            self.watch.wake()
        else:
            await self._bus.publish(RUN_WAKE, RunWake(id=run_id))

    async def woken(self, wake: RunWake) -> None:
        """From another actor; where this one does not hold it, it may take what is due."""
        if wake.id in self._held:
            self._held[wake.id][0].poke()
        else:
            self.watch.wake()

    async def stop(self, seconds: float) -> None:
        """Lets every run go at its next edge; what takes longer than so many seconds is left as it is."""
        self._stopping = True
        await self.watch.stop()
        for keeper, _ in self._held.values():
            keeper.leave()
        tasks = [task for _, task in self._held.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _let_go(self, run_id: str, task: asyncio.Task[None]) -> None:
        full = self.free <= 0
        del self._held[run_id]
        self._gauge.set(len(self._held))
        if not task.cancelled() and (error := task.exception()):
            # It is still this actor's in the store, and will be found there.
            log.error("run.keeper_failed", run=run_id, error=repr(error), exc_info=error)
        if full or self._stopping:
            self.watch.wake()

    async def _look(self, woken: bool) -> float | None:
        if self.free > 0:
            self._take_all("due", await self._database.all("claim_due", self._claim()))
        if not woken and self.free > 0:
            held = {**self._claim(), "held": list(self._held)}
            self._take_all("left behind", await self._database.all("claim_left_behind", held))
        if self.free <= 0:
            return None
        row = await self._database.one("next_wake", {})
        return max(row["seconds"], SOONEST_SECONDS) if row and row["seconds"] is not None else None

    def _claim(self) -> dict[str, object]:
        return {"actor": self._actor, "limit": self.free}

    def _take_all(self, why: str, rows: list[Row]) -> None:
        for row in rows:
            self._claimed.labels(why).inc()
            self.take(row["id"], row["epoch"])
