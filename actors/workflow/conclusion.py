"""How a run as a whole stands after its moves: open, being taken back, or at its end."""

from __future__ import annotations

from typing import Any

from actors.workflow import undoing
from actors.workflow.definition.template import TemplateError
from actors.workflow.state import RunState
from actors.workflow.units import Unit, now, problem
from schemas.errors import Internal, InvalidInput
from schemas.steps import ENDED, RunStatus
from schemas.workflow import RunEventType

_TOLD: dict[RunStatus, RunEventType] = {
    "running": "run.running",
    "waiting_approval": "run.waiting_approval",
    "paused": "run.paused",
    "compensating": "run.compensating",
    "succeeded": "run.succeeded",
    "failed": "run.failed",
    "cancelled": "run.cancelled",
    "compensated": "run.compensated",
}


def conclude(state: RunState) -> None:
    """Sets the run's status, and starts the compensation where there is one."""
    if state.run.status == "compensating":
        if not state.undoing:
            _end_undone(state)
        return
    outcome = state.progress.outcome
    if outcome is None:
        _change(state, _open_status(state))
    elif outcome == "succeeded":
        _succeed(state)
    else:
        _end_badly(state, outcome)


def give_up(state: RunState, why: str) -> None:
    """Ends a run that no actor gets any further."""
    state.run.error = problem(Internal(why))
    _change(state, "failed")


def over(state: RunState) -> bool:
    return state.run.status in ENDED


def _open_status(state: RunState) -> RunStatus:
    if state.run.cancel is not None:
        return state.run.status
    if state.run.pausing and not state.running and not state.queued:
        return "paused"
    return "waiting_approval" if state.waiting else "running"


def _succeed(state: RunState) -> None:
    try:
        state.run.outputs = state.plan.outputs(state.scope())
    except TemplateError as error:
        state.run.error = problem(InvalidInput(f"{error.pointer}: {error.detail}"))
        _change(state, "failed")
    else:
        _change(state, "succeeded")


def _end_badly(state: RunState, outcome: RunStatus) -> None:
    """Failed, cancelled, or out of time. A cancelled run is taken back only where the cancel asks for it."""
    if state.timed_out:
        outcome = "failed"
    elif outcome == "failed":
        state.run.error = _first_failure(state)
    cancel = state.run.cancel
    if cancel is not None:
        take_back = bool(cancel.get("compensate"))
    else:
        take_back = state.plan.definition.on_failure == "compensate"
    if take_back and undoing.to_undo(state):
        _change(state, "compensating")
        undoing.start(state)
    else:
        _change(state, outcome)


def _end_undone(state: RunState) -> None:
    stuck = [unit for unit in state.units.values() if unit.undo == "failed"]
    if stuck:
        named = ", ".join(sorted({unit.step_id for unit in stuck}))
        state.run.error = {"type": "not-taken-back", "detail": f"could not take back: {named}", "retryable": False}
    _change(state, "failed" if stuck else "compensated")


def _first_failure(state: RunState) -> dict[str, Any] | None:
    failed = [unit for unit in state.units.values() if unit.status == "failed" and unit.error is not None]
    if not failed:
        return None
    first = min(failed, key=_finished)
    error = first.error or {}
    return {**error, "detail": f"step {first.step_id} failed: {error.get('detail', '')}"}


def _finished(unit: Unit) -> float:
    return (unit.finished_at or now()).timestamp()


def begin(state: RunState) -> None:
    """The first move of a run that nothing holds back."""
    if state.run.status == "pending" and not state.run.pausing and state.run.cancel is None:
        _change(state, "running")


def _change(state: RunState, status: RunStatus) -> None:
    run = state.run
    if status == run.status:
        return
    run.status = status
    if status == "running" and run.started_at is None:
        run.started_at = now()
        state.tell("run.started")
    elif run.error is not None and status in ENDED:
        state.tell(_TOLD[status], error=run.error)
    else:
        state.tell(_TOLD[status])
