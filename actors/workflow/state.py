"""Where a held run stands, in its holder's memory. No I/O and no waiting here: moves change the state and put what
is to be written into the draft; the keeper writes it and then acts."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from actors.platform.store.database import Row
from actors.workflow.definition.graph import Changes, Ended, Key
from actors.workflow.definition.plan import Plan, Scope
from actors.workflow.definition.progress import Progress
from actors.workflow.units import Draft, Unit, Waiting, now
from schemas.adapters import ActionClass
from schemas.identity import Identity
from schemas.steps import STEP_ENDED, RunStatus, StepStatus
from schemas.workflow import RunEventType

TOLD: dict[StepStatus, RunEventType] = {
    "succeeded": "step.succeeded",
    "failed": "step.failed",
    "skipped": "step.skipped",
    "cancelled": "step.cancelled",
    "compensated": "step.compensated",
}


@dataclass(slots=True)
class Held:
    """What the run's row says, as far as it matters to its holder."""

    id: str
    owner: str
    identity: Identity
    name: str
    version: int
    inputs: dict[str, Any]
    source: str
    parent_id: str | None
    depth: int
    epoch: int
    revision: int
    claims: int
    signals: int
    status: RunStatus
    error: dict[str, Any] | None
    deadline_at: datetime | None
    started_at: datetime | None
    pausing: bool
    cancel: dict[str, Any] | None
    """What came with a cancel; None where nobody has cancelled."""
    outputs: Any = None

    @classmethod
    def fresh(cls, params: Mapping[str, Any]) -> Held:
        """Of a run that this actor has just stored as its own."""
        return cls(
            id=params["run_id"],
            owner=params["owner"],
            identity=Identity.model_validate(params["identity"]),
            name=params["name"],
            version=params["version"],
            inputs=params["inputs"],
            source=params["source"],
            parent_id=params["parent_id"],
            depth=params["depth"],
            epoch=1,
            revision=0,
            claims=0,
            signals=0,
            status="pending",
            error=None,
            deadline_at=params["deadline_at"],
            started_at=None,
            pausing=False,
            cancel=None,
        )

    @classmethod
    def of(cls, row: Row) -> Held:
        return cls(
            id=row["id"],
            owner=row["owner"],
            identity=Identity.model_validate(row["identity"]),
            name=row["name"],
            version=row["version"],
            inputs=row["inputs"],
            source=row["source"],
            parent_id=row["parent_id"],
            depth=row["depth"],
            epoch=row["epoch"],
            revision=row["revision"],
            claims=row["claims"],
            signals=row["signals"],
            status=row["status"],
            error=row["error"],
            deadline_at=row["deadline_at"],
            started_at=row["started_at"],
            pausing=row["pause_requested_at"] is not None,
            cancel=row["cancel"] if row["cancel_requested_at"] is not None else None,
        )


@dataclass
class RunState:
    """`running`: attempts that are under way or about to be. `ready`: units that may start. `timers`: when units
    that wait are looked at again."""

    run: Held
    plan: Plan
    progress: Progress
    effects: Mapping[str, ActionClass]
    units: dict[Key, Unit] = field(default_factory=dict[Key, Unit])
    results: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    waiting: dict[Key, Waiting] = field(default_factory=dict[Key, Waiting])
    ready: deque[Key] = field(default_factory=deque[Key])
    running: set[Key] = field(default_factory=set[Key])
    queued: set[Key] = field(default_factory=set[Key])
    """Units that wait for a place among those of a capped action."""
    timers: list[tuple[datetime, Key]] = field(default_factory=list[tuple[datetime, Key]])
    draft: Draft = field(default_factory=Draft)
    completed: int = 0
    done: int = 0
    """Steps that have ended."""
    timed_out: bool = False
    leaving: bool = False
    """The actor stops: nothing new begins here."""
    undoing: deque[Key] = field(default_factory=deque[Key])
    """What is still to be taken back, first to last."""

    # --- looking -----------------------------------------------------------------------------------

    def scope(self, key: Key | None = None) -> Scope:
        """What expressions of a unit see; without one, those of the run."""
        item, index = None, 0
        if key is not None and key.item:
            index = int(key.item)
            item = (self.units[Key(key.step)].items or [])[index]
        about = {
            "id": self.run.id,
            "workflow": self.run.name,
            "user": self.run.identity.user,
            "started_at": _text(self.run.started_at or now()),
        }
        return Scope(self.run.inputs, self.results, about, _text(now()), item, index)

    def unit(self, key: Key) -> Unit:
        """The unit's row; made where there is none yet."""
        found = self.units.get(key)
        if found is None:
            found = self.units[key] = Unit(key.step, key.item)
        return found

    def uses(self, key: Key) -> str:
        return self.plan.steps[key.step].uses

    def ended(self, key: Key) -> bool:
        found = self.units.get(key)
        return found is not None and found.status in STEP_ENDED

    def next_at(self) -> datetime | None:
        """When there is something to do although nobody says anything."""
        while self.timers and not self._waits(self.timers[0][1]):
            heapq.heappop(self.timers)
        first = self.timers[0][0] if self.timers and not self.run.pausing else None
        return min((at for at in (first, self.deadline) if at is not None), default=None)

    @property
    def deadline(self) -> datetime | None:
        """Of the run, as long as it is not over or being taken back."""
        return None if self.timed_out or self.run.status == "compensating" else self.run.deadline_at

    def _waits(self, key: Key) -> bool:
        found = self.units.get(key)
        return found is not None and (found.status == "waiting" or found.undo == "running")

    # --- telling -----------------------------------------------------------------------------------

    def tell(self, kind: RunEventType, unit: Unit | None = None, **more: Any) -> None:
        """Adds to the history."""
        event: dict[str, Any] = {"type": kind, "at": now(), "payload": {"status": self.run.status, **more}}
        if unit is not None:
            event["payload"]["step"] = unit.told(self.uses(unit.key))
        self.draft.events.append(event)

    def timer(self, key: Key, at: datetime) -> None:
        heapq.heappush(self.timers, (at, key))

    # --- what follows from what --------------------------------------------------------------------

    def close(self, key: Key, status: Ended) -> None:
        """A unit ends without having run to its end: skipped, cancelled, or failed before it began."""
        unit = self.unit(key)
        self._forget(unit)
        unit.status, unit.finished_at = status, now()
        self.draft.touch(unit)
        self.tell(TOLD[status], unit)

    def settle(self, unit: Unit) -> None:
        """A unit has run to its end, one way or the other."""
        self._forget(unit)
        unit.finished_at = now()
        if unit.status == "succeeded":
            self.completed += 1
            unit.completed = self.completed
        self.draft.touch(unit)
        self.tell(TOLD[unit.status], unit)

    def step_ended(self, id: str) -> None:
        """A step as a whole has ended: its result can be read from now on."""
        self.done += 1
        status = self.progress.status(id)
        unit = self.unit(Key(id))
        if unit.items is not None:
            self._whole_ended(unit, status)
        self.results[id] = {"status": status, "output": unit.output, "error": unit.error}

    def _whole_ended(self, whole: Unit, status: StepStatus) -> None:
        """A `for_each` has the outputs of its elements, and the first failure among them."""
        elements = [self.unit(Key(whole.step_id, str(item))) for item in range(len(whole.items or []))]
        if whole.status in STEP_ENDED:
            return
        if status == "failed":
            whole.error = next((one.error for one in elements if one.error), None)
        whole.status, whole.output, whole.finished_at = status, [one.output for one in elements], now()
        self.draft.touch(whole)
        self.tell(TOLD[whole.status], whole)

    def _forget(self, unit: Unit) -> None:
        """It waits for nothing any more."""
        self.queued.discard(unit.key)
        unit.wake_at = unit.deadline_at = None
        if self.waiting.pop(unit.key, None) is not None:
            self.draft.closed.append({"step_id": unit.step_id, "item": unit.item, "outcome": "cancelled"})
            self.tell("approval.closed", unit, message="cancelled")
        if unit.status == "waiting" and unit.child_id is not None:
            self.draft.orphaned = True


def restored(
    run: Held, plan: Plan, effects: Mapping[str, ActionClass], rows: list[Row], questions: list[Row]
) -> tuple[RunState, Changes]:
    """The state as a new holder finds it, and the changes that follow and that the store does not know."""
    state = RunState(run, plan, plan.progress(), effects)
    for row in rows:
        unit = Unit(**row)
        state.units[unit.key] = unit
        state.completed = max(state.completed, unit.completed or 0)
        at = unit.wake_at if unit.status == "waiting" or unit.undo == "running" else None
        if at is not None or (unit.status == "waiting" and unit.deadline_at is not None):
            state.timer(unit.key, min(x for x in (at, unit.deadline_at) if x is not None))
    for row in questions:
        state.waiting[Key(row["step_id"], row["item"])] = found = Waiting.of(row)
        if found.next_at is not None:
            state.timer(Key(row["step_id"], row["item"]), found.next_at)
    state.timed_out = bool(run.error and run.error["type"] == "deadline-exceeded")
    changes = state.progress.restore(
        [(unit.key, unit.status) for unit in state.units.values() if not unit.is_whole],
        _opened(state.units),
        cancelled=run.cancel is not None or state.timed_out,
    )
    fresh = set(changes.ended)
    for id in plan.graph.order():
        if id not in fresh and state.progress.status(id) in STEP_ENDED:
            state.step_ended(id)
    return state, changes


def _opened(units: dict[Key, Unit]) -> dict[str, int | None]:
    """How many elements each step has that was opened; one that was skipped, or failed too early, was not."""
    return {
        unit.step_id: None if unit.items is None else len(unit.items)
        for unit in units.values()
        if not unit.item and (unit.is_whole or unit.attempt or unit.status not in STEP_ENDED)
    }


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
