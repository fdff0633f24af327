"""Keeps one run as long as it is this actor's: lets it move, writes what has become of it, makes its attempts.

Nothing is done before it is written: an effect is asked for after its intent is stored, followers are told after
the commit. One write is under way at a time; what happens meanwhile goes into the next one together, so that a
wide graph takes few transactions and a chain one for each step.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from actors.platform.guard.fault_points import fault_point
from actors.platform.lease import Lease
from actors.platform.store.database import Row
from actors.workflow import asking, conclusion, undoing
from actors.workflow.actions.registry import Actions
from actors.workflow.attempts import Attempts, Ended
from actors.workflow.definition.graph import Key
from actors.workflow.definitions import Definitions
from actors.workflow.ledger import KEEP, Ledger, Letting, RunLost
from actors.workflow.moves import Moves
from actors.workflow.orphans import Orphans
from actors.workflow.outbox import Outbox, Told
from actors.workflow.slots import Slots
from actors.workflow.state import Held, RunState, restored
from actors.workflow.units import Draft, now
from schemas.adapters import ActionClass
from schemas.workflow import RUN_FINAL

log = structlog.get_logger(__name__)

HOLD = timedelta(seconds=1)
"""A run that has nothing to do for longer is let go."""
MOST_CLAIMS = 20
"""A run for which so many holders in a row wrote nothing is closed as failed."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What all keepers of an actor share."""

    ledger: Ledger
    definitions: Definitions
    actions: Actions
    effects: Mapping[str, ActionClass]
    moves: Moves
    lease: Lease
    slots: Slots
    outbox: Outbox
    orphans: Orphans


class Keeper:
    def __init__(self, tools: Tools, run_id: str, epoch: int, fresh: Held | None = None) -> None:
        self._tools = tools
        self._fresh = fresh
        self._run_id = run_id
        self._epoch = epoch
        self._news = asyncio.Event()
        self._attempts = Attempts(tools.actions, tools.lease, tools.slots, run_id, self._news)
        self._applied: deque[Ended] = deque()
        self._signalled = False
        self._leaving = False

    async def run(self) -> None:
        """Returns when the run has ended, waits for something far away, or has passed to another."""
        try:
            await fault_point("workflow.claim")
            state: RunState | None = await (self._load() if self._fresh is None else self._begin(self._fresh))
            while state is not None:
                state = await self._turn(state)
        except RunLost:
            log.info("run.lost", run=self._run_id, epoch=self._epoch)
        finally:
            await self._attempts.drop()

    def poke(self) -> None:
        """Something was said to the run: look into the store."""
        self._signalled = True
        self._news.set()

    def leave(self) -> None:
        """Begin nothing more, finish what is under way, and let go."""
        self._leaving = True
        self._news.set()

    # --- one turn ----------------------------------------------------------------------------------

    async def _turn(self, state: RunState) -> RunState | None:
        """All moves that are possible now, written; then waits for the next. None once the run is let go."""
        if self._attempts.lease_lost:
            raise RunLost(self._run_id)
        if self._signalled:
            self._signalled = False
            self._take_in(state, await self._tools.ledger.signals(self._run_id))
        self._move(state)
        draft, letting = state.draft, self._letting(state)
        if not (draft.empty and letting.keep) and not await self._write(state, letting):
            return await self._load()
        if not letting.keep:
            return None
        if draft.starting:
            await fault_point("workflow.step.intent")
        self._attempts.start(state, draft.starting)
        await self._wait(state)
        return state

    def _move(self, state: RunState) -> None:
        moves, attempts = self._tools.moves, self._attempts
        state.leaving = self._leaving
        while attempts.ended:
            self._finish(state, attempts.ended.popleft())
        if not state.leaving:
            moves.due(state)
            for key in attempts.placed(state):
                moves.begin(state, key)
        moves.start_ready(state)
        conclusion.conclude(state)
        if state.progress.cancelled:
            attempts.interrupt(state)

    def _finish(self, state: RunState, ended: Ended) -> None:
        self._applied.append(ended)
        if ended.attempt.undo:
            undoing.finished(state, ended.attempt.key, ended.result)
        else:
            self._tools.moves.finished(state, ended.attempt.key, ended.result)

    async def _wait(self, state: RunState) -> None:
        """Until something comes, or something is due."""
        if state.ready and not self._tools.moves.held_back(state):
            return
        at = state.next_at()
        try:
            async with asyncio.timeout(None if at is None else max(0.0, (at - now()).total_seconds())):
                await self._news.wait()
        except TimeoutError:
            return
        self._news.clear()

    def _letting(self, state: RunState) -> Letting:
        if conclusion.over(state):
            return Letting(False)
        if state.running or state.queued or self._attempts.busy:
            return KEEP
        if self._leaving:
            return Letting(False, now())
        at = state.next_at()
        if (state.ready and not state.run.pausing) or (at is not None and at <= now() + HOLD):
            return KEEP
        return Letting(False, at)

    # --- the store ---------------------------------------------------------------------------------

    async def _begin(self, run: Held) -> RunState:
        """A run that was just started: the store has nothing more of it than is known here."""
        _, plan = await self._tools.definitions.get(run.name, run.version)
        state, changes = restored(run, plan, self._tools.effects, [], [])
        conclusion.begin(state)
        self._tools.moves.follow(state, changes)
        return state

    async def _load(self) -> RunState:
        """The state as the store has it; attempts of this holder that are under way go on."""
        loaded = await self._tools.ledger.load(self._run_id, self._epoch)
        run = Held.of(loaded.run)
        _, plan = await self._tools.definitions.get(run.name, run.version)
        state, changes = restored(run, plan, self._tools.effects, loaded.steps, loaded.questions)
        if run.claims > MOST_CLAIMS:
            conclusion.give_up(state, f"{run.claims} actors in a row came to nothing with this run")
            return state
        conclusion.begin(state)
        self._tools.moves.follow(state, changes)
        self._tools.moves.recover(state, self._attempts.mine)
        self._take_in(state, loaded.signals)
        return state

    def _take_in(self, state: RunState, row: Row) -> None:
        """What was said from outside; what is known already changes nothing."""
        run, moves = state.run, self._tools.moves
        run.signals = row["signals"]
        run.pausing = row["pause_requested_at"] is not None
        for settled in row["settled"]:
            unit = state.units[Key(settled["step_id"], settled["item"])]
            verdict = asking.answered(state, unit, settled)
            if verdict is not None:
                moves.settled(state, unit, verdict)
        for child in row["children"]:
            moves.child_ended(state, state.units[Key(child["step_id"], child["item"])], child)
        if row["cancel_requested_at"] is not None and run.cancel is None and run.status != "compensating":
            run.cancel = row["cancel"]
            moves.cancel(state)

    async def _write(self, state: RunState, letting: Letting) -> bool:
        """False when something was said meanwhile: nothing is written then, and the store is to be looked at
        again. Results that are not written are kept."""
        draft = state.draft
        strict = not letting.keep or bool(draft.closed) or state.run.status in ("paused", "compensating")
        written = await self._tools.ledger.advance(state.run, draft, state.done, letting, strict=strict)
        if written.verdict == "signalled":
            self._attempts.ended.extendleft(reversed(self._applied))
            self._applied.clear()
            return False
        state.run.revision += 1
        state.draft = Draft()
        if self._applied:
            self._applied.clear()
            await fault_point("workflow.step.commit")
        if written.seq is not None:
            self._tools.outbox.add(_told(state.run, draft, written.seq))
        if draft.orphaned:
            self._tools.orphans.look()
        return True


def _told(run: Held, draft: Draft, seq: int) -> list[Told]:
    return [
        Told(
            run.id,
            seq + n,
            event["type"],
            event["at"],
            event["payload"],
            run.parent_id if event["type"] in RUN_FINAL else None,
        )
        for n, event in enumerate(draft.events, 1)
    ]
