"""Questions to people: approvals, questions of `core.ask`, and whether an effect has happened that nobody saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from actors.workflow import preview
from actors.workflow.actions import asks
from actors.workflow.definition import version
from actors.workflow.state import RunState
from actors.workflow.units import Unit, Waiting, now
from schemas.approvals import APPROVER_ROLES
from schemas.errors import CopilotError, DeadlineExceeded

SHOWN_STEPS = 200
"""Of what follows an approval."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means for the unit: an output, another attempt, or a failure."""

    output: Any = None
    again: bool = False
    error: CopilotError | None = None


def plan_hash(state: RunState, step: str) -> str:
    """Of what is approved: the definition, the inputs, and how everything on the way to this step has ended. Steps
    beside the way are not part of it: they go on while the question waits, and must not make it void."""
    done = [
        [id, state.results[id]["status"], version.digest(state.results[id]["output"])]
        for id in sorted(_before(state, step))
    ]
    return version.digest({"definition": state.plan.sha256, "inputs": state.run.inputs, "done": done})


def approval(state: RunState, unit: Unit, asked: asks.Approval) -> dict[str, Any]:
    return {
        **_row(state, unit, asked.expires, asked.remind),
        "kind": "approval",
        "title": asked.title,
        "message": asked.message,
        "details": asked.details,
        "options": ["approve", "reject"],
        "approvers": _people(asked.approvers),
        "quorum": asked.quorum,
        "allow_self": asked.allow_self,
        "on_expiry": asked.on_expiry,
    }


def question(state: RunState, unit: Unit, asked: asks.Question) -> dict[str, Any]:
    return {
        **_row(state, unit, asked.expires, asked.remind),
        "kind": "question",
        "title": asked.question,
        "message": asked.message,
        "details": asked.details,
        "options": asked.options,
        "approvers": _people(asked.to) or [state.run.identity.user],
        "quorum": 1,
        "allow_self": True,
        "on_expiry": "fail",
    }


def verdict(state: RunState, unit: Unit, error: CopilotError | None = None) -> dict[str, Any]:
    """Whether an `unsafe` effect has happened: its actor died on the way, or it was not answered in time."""
    undo = unit.undo == "running"
    step = state.plan.steps[unit.step_id]
    uses = step.compensate.uses if undo and step.compensate else step.uses
    return {
        **_row(state, unit, None, None),
        "kind": "verdict",
        "round": unit.attempt + unit.undo_attempt,
        "title": f"Has {uses} of step {unit.step_id} taken effect?",
        "message": "Its actor ended before the result was stored." if error is None else error.detail,
        "details": {"input": unit.input, "attempt": unit.undo_attempt if undo else unit.attempt, "undo": undo},
        "options": ["happened", "again", "fail"],
        "approvers": [f"role:{role}" for role in APPROVER_ROLES],
        "quorum": 1,
        "allow_self": True,
        "on_expiry": "fail",
    }


def ask(state: RunState, unit: Unit, row: dict[str, Any]) -> None:
    """Puts the question; the unit waits for its answer."""
    state.waiting[unit.key] = found = Waiting.of(row)
    if found.next_at is not None:
        state.timer(unit.key, found.next_at)
    state.draft.touch(unit)
    state.draft.asked.append(row)
    state.tell("approval.requested", unit, approval=_told(state, row))


def remind(state: RunState, unit: Unit, found: Waiting, at: datetime) -> None:
    found.remind_at = at + timedelta(seconds=found.remind_seconds or 0.0)
    state.timer(unit.key, min(x for x in (found.remind_at, found.expires_at) if x is not None))
    state.draft.reminded.append({"step_id": unit.step_id, "item": unit.item, "remind_at": found.remind_at})
    state.tell("approval.reminded", unit)


def expired(state: RunState, unit: Unit, found: Waiting) -> Verdict:
    """Its time has passed without an answer; decisions that came in time are not looked at twice: with enough of
    them it would have been settled."""
    del state.waiting[unit.key]
    state.draft.closed.append({"step_id": unit.step_id, "item": unit.item, "outcome": "expired"})
    state.tell("approval.closed", unit, message="expired")
    if found.kind == "approval" and found.on_expiry == "reject":
        return Verdict({"decision": "reject", "by": None, "comment": "expired", "at": now(), "decisions": []})
    return Verdict(error=DeadlineExceeded("nobody answered in time"))


def answered(state: RunState, unit: Unit, settled: Mapping[str, Any]) -> Verdict | None:
    """What people said; None for an answer to an earlier round."""
    found = state.waiting.get(unit.key)
    if found is None or (found.kind, found.round) != (settled["kind"], settled["round"]):
        return None
    del state.waiting[unit.key]
    outcome = settled["outcome"]
    state.tell("approval.closed", unit, message=outcome)
    last = settled["decisions"][-1] if settled["decisions"] else {"by": None, "comment": ""}
    if found.kind == "question":
        return Verdict({"answer": settled["answer"], "by": last["by"], "at": settled["at"]})
    if outcome in ("approve", "reject"):
        said = {"decision": outcome, "by": last["by"], "comment": last["comment"], "at": settled["at"]}
        return Verdict({**said, "decisions": settled["decisions"]})
    if outcome == "again":
        return Verdict(again=True)
    if outcome == "happened":
        return Verdict(settled["answer"])
    return Verdict(error=DeadlineExceeded(f"{last['by']} said that it has not taken effect"))


def _row(state: RunState, unit: Unit, expires: timedelta | None, remind: timedelta | None) -> dict[str, Any]:
    at = now()
    return {
        "step_id": unit.step_id,
        "item": unit.item,
        "round": unit.attempt,
        "plan_hash": plan_hash(state, unit.step_id),
        "plan": [step.model_dump(mode="json") for step in preview.after(state, unit.step_id, SHOWN_STEPS)],
        "expires_at": at + expires if expires is not None else None,
        "remind_at": at + remind if remind is not None else None,
        "remind_seconds": remind.total_seconds() if remind is not None else None,
    }


def _told(state: RunState, row: Mapping[str, Any]) -> dict[str, Any]:
    """An `ApprovalItem`."""
    left_out = ("round", "remind_at", "remind_seconds")
    return {
        **{name: value for name, value in row.items() if name not in left_out},
        "id": f"{state.run.id}:{row['step_id']}:{row['item']}",
        "workflow_id": state.run.id,
        "workflow": state.run.name,
        "requested_by": state.run.identity.user,
        "requested_at": now(),
    }


def _people(named: Iterable[str]) -> list[str]:
    return [one.removeprefix("user:") for one in named]


def _before(state: RunState, step: str) -> set[str]:
    """Everything that the step needs, directly and further up."""
    found: set[str] = set()
    todo = [step]
    while todo:
        for need in state.plan.graph.nodes[todo.pop()].needs:
            if need not in found:
                found.add(need)
                todo.append(need)
    return found
