"""The holder's access to the store: reads a run, and writes what has become of it under the fence."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import structlog

from actors.platform.store import Database, GroupCommit
from actors.platform.store.database import Row
from actors.workflow.state import Held
from actors.workflow.units import Draft, now
from schemas.errors import Unavailable
from schemas.steps import ENDED

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.1


class RunLost(Exception):
    """Another actor holds this run now; whoever sees this stops and writes nothing."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A run with its steps, the questions that are open, and what was said to it from outside."""

    run: Row
    steps: list[Row]
    questions: list[Row]
    signals: Row


@dataclass(frozen=True, slots=True)
class Letting:
    """Whether the holder keeps the run; if not, when somebody takes it up again (None: on a signal)."""

    keep: bool
    wake_at: datetime | None = None


KEEP = Letting(True)


@dataclass(frozen=True, slots=True)
class Written:
    """`verdict`: `signalled` wrote nothing, since something was said that the holder has not seen; `known` was
    written by an earlier try. `seq` is the number before the first event; None where it is not known."""

    verdict: Literal["written", "known", "signalled"]
    seq: int | None = None


class Ledger:
    def __init__(self, database: Database, advances: GroupCommit, actor: str) -> None:
        self._database = database
        self._advances = advances
        self._actor = actor

    async def load(self, run_id: str, epoch: int) -> Loaded:
        """Waits for the store. Raises RunLost."""
        fence = {"run_id": run_id, "actor": self._actor, "epoch": epoch}
        while True:
            try:
                found = await self._database.batch(
                    [
                        ("load_run", fence),
                        ("load_steps", fence),
                        ("open_questions", fence),
                        ("run_signals", fence),
                    ]
                )
                break
            except Unavailable as error:
                await self._wait(run_id, error)
        run, steps, questions, signals = found
        if not run:
            raise RunLost(run_id)
        return Loaded(run[0], steps, questions, signals[0])

    async def signals(self, run_id: str) -> Row:
        while True:
            try:
                rows = await self._database.all("run_signals", {"run_id": run_id})
                return rows[0]
            except Unavailable as error:
                await self._wait(run_id, error)

    async def advance(self, run: Held, draft: Draft, done: int, letting: Letting, *, strict: bool) -> Written:
        """Writes the draft, as often as it takes to know that it is written. Raises RunLost."""
        params = self._params(run, draft, done, letting, strict)
        while True:
            try:
                row = await self._advances.write(run.id, params)
            except Unavailable as error:
                await self._wait(run.id, error)
                continue
            if row is None or row["verdict"] == "lost":
                raise RunLost(run.id)
            if row["verdict"] != "again":
                return Written(row["verdict"], row["seq"])

    def _params(self, run: Held, draft: Draft, done: int, letting: Letting, strict: bool) -> dict[str, Any]:
        return {
            "run_id": run.id,
            "actor": self._actor,
            "epoch": run.epoch,
            "revision": run.revision,
            "signals": run.signals,
            "strict": strict,
            "keep": letting.keep,
            "wake_at": letting.wake_at,
            "status": run.status,
            "error": run.error,
            "outputs": run.outputs,
            "steps_done": done,
            "started_at": run.started_at,
            "finished_at": now() if run.status in ENDED else None,
            "told": len(draft.events),
            "steps": [unit.row() for unit in draft.units.values()],
            "events": [{"number": number, **event} for number, event in enumerate(draft.events, 1)],
            "asked": draft.asked,
            "touched": [*draft.closed, *draft.reminded],
        }

    async def _wait(self, run_id: str, error: Unavailable) -> None:
        log.warning("run.waiting", waits_for="PostgreSQL", run=run_id, error=error.detail)
        await asyncio.sleep(RETRY_SECONDS)
