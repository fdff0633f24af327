"""The moves of a run: what follows a change, what begins, what an attempt's end, a timer or a cancel does.

Actions that only compute (`core.noop`, `core.set`) and those that only wait are moves of their own; all else is
an attempt: `running` and the attempt's number are written first, then the effect is asked for.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from actors.workflow import asking, undoing
from actors.workflow.actions import asks
from actors.workflow.actions.engine import parsed
from actors.workflow.definition.expression import ExpressionError, compiled
from actors.workflow.definition.graph import Changes, Key, Live
from actors.workflow.definition.model import ONE_ATTEMPT
from actors.workflow.definition.template import TemplateError
from actors.workflow.results import Interrupted, Result, Succeeded, WaitsForRun
from actors.workflow.state import RunState
from actors.workflow.units import Attempt, Unit, now, problem
from schemas.errors import CopilotError, DeadlineExceeded, Internal, InvalidInput, Retryable

AsksT = TypeVar("AsksT", bound=BaseModel)
MOST_CRASHES = 10
"""Attempts of one unit whose actors ended before the result: the effect itself may be what ends them."""
MOST_AT_ONCE = 500
"""Units that are changed before what has changed is written: a transaction stays small."""


@dataclass(frozen=True, slots=True)
class Moves:
    """`caps`: how many of an action may run at a time, over all actors."""

    caps: Mapping[str, int] = field(default_factory=dict[str, int])

    # --- following ---------------------------------------------------------------------------------

    def follow(self, state: RunState, changes: Changes) -> None:
        """Everything that a change leads to, until units are ready or nothing more follows."""
        todo = deque([changes])
        while todo:
            found = todo.popleft()
            for key, status in found.closed:
                state.close(key, status)
            for id in found.ended:
                state.step_ended(id)
            state.ready.extend(found.ready)
            todo.extend(self._decided(state, id) for id in found.due)

    def start_ready(self, state: RunState) -> None:
        """Begins what may begin, within the run's `max_parallel`; a paused run begins nothing."""
        while state.ready and not self.held_back(state) and len(state.draft.units) < MOST_AT_ONCE:
            key = state.ready.popleft()
            if state.ended(key):
                continue
            if state.uses(key) in self.caps:
                state.queued.add(key)  # the keeper gets it a place, then begins it
            else:
                self.begin(state, key)

    def held_back(self, state: RunState) -> bool:
        """Nothing more may begin at the moment."""
        most = state.plan.definition.max_parallel
        full = most is not None and len(state.running) + len(state.queued) >= most
        return full or state.run.pausing or state.leaving

    def _decided(self, state: RunState, id: str) -> Changes:
        """A step's needs have ended: whether it runs, and for which elements."""
        needs = state.progress.needs(id)
        if refused := _refused(state, id):
            needs = replace(needs, succeeded=False, failed=True)
        if _forgot(state, id, refused):
            return state.progress.skip(id)
        try:
            decision = state.plan.decide(id, state.scope(), needs)
        except (ExpressionError, TemplateError) as error:
            state.unit(Key(id)).error = problem(InvalidInput(str(error)))
            return state.progress.fail(id)
        if not decision.runs:
            return state.progress.skip(id)
        changes = state.progress.open(id, decision.count)
        if decision.items is not None and not changes.closed:
            whole = state.unit(Key(id))
            whole.status, whole.items, whole.started_at = "running", decision.items, now()
            state.draft.touch(whole)
        return changes

    # --- beginning ---------------------------------------------------------------------------------

    def begin(self, state: RunState, key: Key) -> None:
        unit = state.unit(key)
        unit.started_at = unit.started_at or now()
        try:
            if unit.input is None:
                unit.input = state.plan.asks(key.step, state.scope(key))
            self._begin(state, key, unit)
        except (TemplateError, InvalidInput) as error:
            failed = error if isinstance(error, InvalidInput) else InvalidInput(f"{error.pointer}: {error.detail}")
            unit.attempt += 1
            self._fail(state, unit, failed)

    def _begin(self, state: RunState, key: Key, unit: Unit) -> None:
        uses = state.uses(key)
        if uses == "core.noop":
            self._at_once(state, unit, None)
        elif uses == "core.set":
            self._at_once(state, unit, parsed(asks.SetValues, unit.input).values)
        elif uses == "core.wait":
            self._wait(state, unit, parsed(asks.Wait, unit.input))
        elif uses == "core.approval":
            unit.attempt += 1
            self._ask(state, unit, asking.approval(state, unit, parsed(asks.Approval, unit.input)))
        elif uses == "core.ask":
            unit.attempt += 1
            self._ask(state, unit, asking.question(state, unit, parsed(asks.Question, unit.input)))
        else:
            self.attempt(state, unit)

    def attempt(self, state: RunState, unit: Unit, *, again: bool = False) -> None:
        """The intent; `again`: the attempt of a dead holder is made once more, which is no new chapter."""
        unit.status, unit.wake_at, unit.error = "running", None, None
        unit.attempt += 1
        state.running.add(unit.key)
        state.progress.mark(unit.key, "running")
        state.draft.touch(unit)
        state.draft.starting.append(Attempt(unit.key))
        if not again:
            state.tell("step.started", unit)

    def _at_once(self, state: RunState, unit: Unit, output: Any) -> None:
        unit.attempt += 1
        unit.status = "running"
        state.tell("step.started", unit)
        self.succeed(state, unit, output)

    def _wait(self, state: RunState, unit: Unit, wait: asks.Wait) -> None:
        unit.attempt += 1
        unit.status = "running"
        until = wait.until or now() + (wait.duration or timedelta(0))
        state.tell("step.started", unit)
        self._hold(state, unit, until)

    def _hold(self, state: RunState, unit: Unit, until: datetime) -> None:
        unit.status, unit.wake_at = "waiting", until
        if self._goes_on(state, unit, "waiting"):
            state.timer(unit.key, until)
            state.draft.touch(unit)

    def _ask(self, state: RunState, unit: Unit, row: dict[str, Any]) -> None:
        unit.status = "waiting"
        if self._goes_on(state, unit, "waiting"):
            asking.ask(state, unit, row)

    def _goes_on(self, state: RunState, unit: Unit, status: Live) -> bool:
        """False where the run was stopped meanwhile: then it is cancelled instead."""
        changes = state.progress.mark(unit.key, status)
        self.follow(state, changes)
        return not changes.closed

    # --- ending ------------------------------------------------------------------------------------

    def finished(self, state: RunState, key: Key, result: Result) -> None:
        """An attempt has ended."""
        state.running.discard(key)
        unit = state.unit(key)
        if unit.status != "running":
            return
        if isinstance(result, Succeeded):
            self.succeed(state, unit, result.output)
        elif isinstance(result, WaitsForRun):
            self._wait_for(state, unit, result.run_id)
        elif isinstance(result, Interrupted):
            self.follow(state, _closed(state, unit))
        elif result.unknown:
            self._ask(state, unit, asking.verdict(state, unit, result.error))
        else:
            self.failed(state, unit, result.error)

    def succeed(self, state: RunState, unit: Unit, output: Any) -> None:
        unit.status, unit.output, unit.error = "succeeded", output, None
        state.settle(unit)
        self.follow(state, state.progress.end(unit.key, "succeeded"))

    def failed(self, state: RunState, unit: Unit, error: CopilotError) -> None:
        """Tried again where that may help and attempts are left; failed for good otherwise."""
        retry = state.plan.steps[unit.step_id].retry or ONE_ATTEMPT
        if not isinstance(error, Retryable) or unit.failures + 1 >= retry.max_attempts:
            self._fail(state, unit, error)
            return
        unit.failures += 1
        unit.error, unit.child_id, unit.deadline_at = problem(error), None, None
        delay = max(retry.delay(unit.failures).total_seconds(), error.after or 0.0)
        unit.status, unit.wake_at = "waiting", now() + timedelta(seconds=delay)
        if self._goes_on(state, unit, "waiting"):
            state.timer(unit.key, unit.wake_at)
            state.draft.touch(unit)
            state.tell("step.retrying", unit)

    def _fail(self, state: RunState, unit: Unit, error: CopilotError) -> None:
        unit.failures += 1
        unit.status, unit.error = "failed", problem(error)
        state.settle(unit)
        self.follow(state, state.progress.end(unit.key, "failed"))

    def _wait_for(self, state: RunState, unit: Unit, run_id: str) -> None:
        unit.status, unit.child_id = "waiting", run_id
        timeout = state.plan.steps[unit.step_id].timeout
        if timeout is not None:
            unit.deadline_at = now() + timeout
            state.timer(unit.key, unit.deadline_at)
        if self._goes_on(state, unit, "waiting"):
            state.draft.touch(unit)
            state.tell("step.waiting", unit)

    # --- after a crash -----------------------------------------------------------------------------

    def recover(self, state: RunState, mine: Collection[Key]) -> None:
        """What a former holder has left under way, but for what is `mine` and goes on. What is `pure` or `keyed`
        runs again, `probe` is asked first; of what is `unsafe` a person must say whether it has happened."""
        state.running.update(mine)
        if state.run.status == "compensating":
            undoing.recover(state, mine)
            return
        left = [unit for unit in state.units.values() if unit.status == "running" and not unit.is_whole]
        for unit in left:
            if unit.key in mine:
                continue
            if unit.attempt - unit.failures >= MOST_CRASHES:
                self._fail(state, unit, Internal(f"{MOST_CRASHES} actors ended while they were at it"))
            elif state.effects[state.uses(unit.key)] == "unsafe":
                self._ask(state, unit, asking.verdict(state, unit))
            else:
                self.attempt(state, unit, again=True)

    # --- time --------------------------------------------------------------------------------------

    def due(self, state: RunState) -> None:
        """Everything whose time has come; a paused run lets only its own deadline come."""
        at = now()
        if state.deadline is not None and state.deadline <= at:
            self._run_out(state)
        while state.timers and state.timers[0][0] <= at and not state.run.pausing:
            _, key = heapq.heappop(state.timers)
            unit = state.units[key]
            if unit.status == "waiting":
                self._come(state, unit, at)
            elif unit.undo == "running" and unit.wake_at is not None and unit.wake_at <= at:
                undoing.attempt(state, unit)

    def _come(self, state: RunState, unit: Unit, at: datetime) -> None:
        waiting = state.waiting.get(unit.key)
        if waiting is not None:
            if waiting.expires_at is not None and waiting.expires_at <= at:
                self.settled(state, unit, asking.expired(state, unit, waiting))
            elif waiting.remind_at is not None and waiting.remind_at <= at:
                asking.remind(state, unit, waiting, at)
        elif unit.deadline_at is not None and unit.deadline_at <= at:
            state.draft.orphaned = True
            self.failed(state, unit, DeadlineExceeded("the sub-workflow did not end within the step's timeout"))
        elif unit.wake_at is None or unit.wake_at > at:
            return  # a timer of something that is over
        elif state.uses(unit.key) == "core.wait":
            self.succeed(state, unit, None)
        else:
            unit.status, unit.wake_at = "ready", None
            if self._goes_on(state, unit, "ready"):
                state.ready.append(unit.key)

    def _run_out(self, state: RunState) -> None:
        """The run's own time is over: nothing goes on, not even what deals with failures."""
        state.timed_out = True
        state.run.error = problem(DeadlineExceeded("the run took longer than its timeout"))
        self.follow(state, state.progress.cancel())

    # --- words from outside ------------------------------------------------------------------------

    def settled(self, state: RunState, unit: Unit, verdict: asking.Verdict) -> None:
        """A question has been answered, or its time has passed."""
        if unit.undo == "running":
            undoing.settled(state, unit, verdict)
        elif verdict.error is not None:
            self.failed(state, unit, verdict.error)
        elif verdict.again:
            self.attempt(state, unit)
        else:
            self.succeed(state, unit, verdict.output)

    def child_ended(self, state: RunState, unit: Unit, child: Mapping[str, Any]) -> None:
        if unit.status != "waiting" or unit.child_id != child["child_id"]:
            return
        if child["status"] == "succeeded":
            output = {"id": child["child_id"], "status": child["status"], "outputs": child["outputs"]}
            self.succeed(state, unit, output)
            return
        error: Mapping[str, Any] = child["error"] or {}
        why = error.get("detail", "it was cancelled")
        # Another attempt starts another run: a Retryable, where the step has attempts left.
        self.failed(state, unit, Retryable(f"the run {child['child_id']} has {child['status']}: {why}"))

    def cancel(self, state: RunState) -> None:
        self.follow(state, state.progress.cancel())


def _closed(state: RunState, unit: Unit) -> Changes:
    state.close(unit.key, "cancelled")
    return state.progress.end(unit.key, "cancelled")


def _refused(state: RunState, id: str) -> set[str]:
    """The approvals that the step needs and that were not given."""
    return {need for need in state.plan.steps[id].needs if _is_refused(state, need)}


def _is_refused(state: RunState, id: str) -> bool:
    if state.plan.steps[id].uses != "core.approval":
        return False
    output: Any = state.results[id]["output"]
    said: list[Any] = cast("list[Any]", output) if isinstance(output, list) else [output]
    return any(one and one["decision"] != "approve" for one in said)


def _forgot(state: RunState, id: str, refused: set[str]) -> bool:
    """Whether the step's `if` does not ask what was decided: nobody slips past an approval because somebody forgot
    it. To `success()` a refusal is no success; `always()` means what it says."""
    condition = state.plan.steps[id].if_
    if not refused or condition is None:
        return bool(refused)
    asked = compiled(condition)
    return not asked.asks_status and not refused <= asked.steps
