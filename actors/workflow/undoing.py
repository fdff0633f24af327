"""Compensation: what has succeeded is taken back, one unit after another, in reverse order of completion.

Each goes the way of a step: the intent is written, the effect asked for with the key `run:step:item:undo`, the
result written. One that cannot be taken back is told and does not keep the others from it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from actors.workflow import asking
from actors.workflow.definition.graph import Key
from actors.workflow.definition.model import ONE_ATTEMPT, Compensation, Retry
from actors.workflow.results import Failed, Result, Succeeded
from actors.workflow.state import RunState
from actors.workflow.units import Attempt, Unit, now, problem
from schemas.errors import CopilotError, Retryable


def to_undo(state: RunState) -> list[Key]:
    """First to last."""
    done = sorted(
        (unit for unit in state.units.values() if unit.completed is not None),
        key=lambda unit: unit.completed or 0,
    )
    keys = state.progress.compensation(unit.key for unit in done)
    return [key for key in keys if state.units[key].undo not in ("succeeded", "failed")]


def start(state: RunState) -> None:
    state.undoing.extend(to_undo(state))
    proceed(state)


def proceed(state: RunState) -> None:
    """The next one, once the one before has ended."""
    if state.running or state.leaving or not state.undoing or state.units[state.undoing[0]].undo is not None:
        return
    unit = state.units[state.undoing[0]]
    unit.undo = "running"
    state.tell("step.compensating", unit)
    attempt(state, unit)


def attempt(state: RunState, unit: Unit) -> None:
    unit.undo_attempt += 1
    unit.wake_at = None
    state.running.add(unit.key)
    state.draft.touch(unit)
    state.draft.starting.append(Attempt(unit.key, undo=True))


def recover(state: RunState, mine: Collection[Key]) -> None:
    """A former holder has left one under way, or waiting for its next attempt or for a person's word."""
    state.undoing.extend(to_undo(state))
    unit = state.units[state.undoing[0]] if state.undoing else None
    if unit is None or unit.key in mine:
        return
    if unit.undo is None:
        proceed(state)
        return
    if unit.wake_at is not None or unit.key in state.waiting:
        return
    if state.effects[_compensation(state, unit).uses] == "unsafe":
        asking.ask(state, unit, asking.verdict(state, unit))
    else:
        attempt(state, unit)


def finished(state: RunState, key: Key, result: Result) -> None:
    state.running.discard(key)
    unit = state.units[key]
    if isinstance(result, Succeeded):
        succeed(state, unit)
    elif isinstance(result, Failed) and result.unknown:
        asking.ask(state, unit, asking.verdict(state, unit, result.error))
    elif isinstance(result, Failed):
        failed(state, unit, result.error)
    else:
        raise TypeError(f"a compensation cannot end as {result!r}")


def settled(state: RunState, unit: Unit, verdict: asking.Verdict) -> None:
    """A person has said whether it was taken back."""
    if verdict.error is not None:
        failed(state, unit, verdict.error)
    elif verdict.again:
        attempt(state, unit)
    else:
        succeed(state, unit)


def succeed(state: RunState, unit: Unit) -> None:
    unit.undo, unit.undo_error, unit.status = "succeeded", None, "compensated"
    _over(state, unit)
    state.tell("step.compensated", unit)
    proceed(state)


def failed(state: RunState, unit: Unit, error: CopilotError) -> None:
    retry: Retry = _compensation(state, unit).retry or ONE_ATTEMPT
    unit.undo_failures += 1
    unit.undo_error = problem(error)
    if isinstance(error, Retryable) and unit.undo_failures < retry.max_attempts:
        delay = max(retry.delay(unit.undo_failures).total_seconds(), error.after or 0.0)
        unit.wake_at = now() + timedelta(seconds=delay)
        state.timer(unit.key, unit.wake_at)
        state.draft.touch(unit)
        return
    unit.undo = "failed"
    _over(state, unit)
    state.tell("step.compensation_failed", unit, error=unit.undo_error)
    proceed(state)


def _over(state: RunState, unit: Unit) -> None:
    unit.wake_at = None
    state.undoing.remove(unit.key)
    state.draft.touch(unit)


def _compensation(state: RunState, unit: Unit) -> Compensation:
    found = state.plan.steps[unit.step_id].compensate
    if found is None:
        raise ValueError(f"{unit.step_id} has nothing that takes it back")
    return found
