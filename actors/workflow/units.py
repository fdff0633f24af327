"""The rows of a run in its holder's memory: units of steps, questions that wait, and what is to be written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic_core import to_json

from actors.platform.store.database import Row
from actors.workflow.definition.graph import Key
from schemas.approvals import ApprovalKind
from schemas.errors import CopilotError
from schemas.steps import StepStatus

LARGEST_TOLD_BYTES = 4_096
"""An output up to this size goes out with the event of its step."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Unit:
    """A row of `step`; the columns are told there. Of a step with `for_each` the row without an item stands for
    the whole, and has `items`."""

    step_id: str
    item: str
    status: StepStatus = "ready"
    attempt: int = 0
    failures: int = 0
    input: Any = None
    items: list[Any] | None = None
    output: Any = None
    error: dict[str, Any] | None = None
    wake_at: datetime | None = None
    deadline_at: datetime | None = None
    child_id: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    completed: int | None = None
    undo: Literal["running", "succeeded", "failed"] | None = None
    undo_attempt: int = 0
    undo_failures: int = 0
    undo_error: dict[str, Any] | None = None

    @property
    def key(self) -> Key:
        return Key(self.step_id, self.item)

    def row(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in COLUMNS}

    @property
    def is_whole(self) -> bool:
        return self.items is not None

    def told(self, uses: str) -> dict[str, Any]:
        """A `StepState`."""
        output = self.output
        if output is not None and len(to_json(output)) > LARGEST_TOLD_BYTES:
            output = None
        return {
            "id": self.step_id,
            "item": self.item,
            "uses": uses,
            "status": self.status,
            "attempt": self.attempt,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "output": output,
            "output_omitted": output is None and self.output is not None,
            "error": self.error,
            "workflow_id": self.child_id,
        }


COLUMNS = tuple(Unit.__dataclass_fields__)


@dataclass(slots=True)
class Waiting:
    """A question to people that a unit waits for."""

    kind: ApprovalKind
    round: int
    on_expiry: str
    expires_at: datetime | None
    remind_at: datetime | None
    remind_seconds: float | None

    @classmethod
    def of(cls, row: Row) -> Waiting:
        return cls(
            row["kind"],
            row["round"],
            row["on_expiry"],
            row["expires_at"],
            row["remind_at"],
            row["remind_seconds"],
        )

    @property
    def next_at(self) -> datetime | None:
        return min((at for at in (self.expires_at, self.remind_at) if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One to make once its intent is stored."""

    key: Key
    undo: bool = False


@dataclass(slots=True)
class Draft:
    """Changes that are made in memory and not yet written; they become true all together."""

    units: dict[Key, Unit] = field(default_factory=dict[Key, Unit])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    closed: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    reminded: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    starting: list[Attempt] = field(default_factory=list[Attempt])
    orphaned: bool = False
    """A sub-workflow is not waited for any more: it is to be cancelled."""

    def touch(self, unit: Unit) -> None:
        self.units[unit.key] = unit

    @property
    def empty(self) -> bool:
        return not (self.units or self.events or self.asked or self.closed or self.reminded)


def problem(error: CopilotError) -> dict[str, Any]:
    """A `StepError` of an error."""
    return {"type": error.slug, "detail": error.detail.replace("\0", "\ufffd"), "retryable": error.retryable}
