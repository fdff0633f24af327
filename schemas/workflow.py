"""Workflow runs: what starts one, how it stands, what decides it, and the one vocabulary of its events.

The definition itself is a tree of JSON that `actors/workflow/definition/` knows; here it is carried as it is.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from schemas.approvals import ApprovalItem, DecisionRecord
from schemas.identity import Identity
from schemas.steps import Frozen, PlannedStep, RunRef, RunStatus, Source, StepError, StepState

RunEventType = Literal[
    "run.started",
    "run.waiting_approval",
    "run.running",
    "run.paused",
    "run.cancelling",
    "run.compensating",
    "run.succeeded",
    "run.failed",
    "run.cancelled",
    "run.compensated",
    "step.started",
    "step.retrying",
    "step.waiting",
    "step.succeeded",
    "step.failed",
    "step.skipped",
    "step.cancelled",
    "step.compensating",
    "step.compensated",
    "step.compensation_failed",
    "approval.requested",
    "approval.reminded",
    "approval.decided",
    "approval.closed",
]
RUN_FINAL: frozenset[RunEventType] = frozenset({"run.succeeded", "run.failed", "run.cancelled", "run.compensated"})

# --- starting --------------------------------------------------------------------------------------


class StartRun(BaseModel):
    """One of `definition` (the tree itself), `template` (a template's name) and `workflow` (the name of a stored
    definition; its newest version unless `version` is given). The same `idempotency_key` of one owner is the same
    run; with another body it is refused."""

    identity: Identity
    definition: dict[str, Any] | None = None
    template: str | None = None
    workflow: str | None = None
    version: int | None = Field(default=None, ge=1)
    input: dict[str, Any] = Field(default_factory=dict)
    dry_run: bool = False
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)
    source: Source = "rest"
    session_id: str | None = None
    """The conversation that started it, where there is one."""

    @model_validator(mode="after")
    def _one_origin(self) -> StartRun:
        if sum(x is not None for x in (self.definition, self.template, self.workflow)) != 1:
            raise ValueError("give one of definition, template and workflow")
        return self


class ValidateDefinition(BaseModel):
    """Only looks: nothing is stored."""

    identity: Identity
    definition: dict[str, Any]


class DefinitionChecked(BaseModel):
    """A definition that would be accepted; one that would not is an InvalidInput with the places."""

    name: str
    sha256: str
    steps: int
    permissions: tuple[str, ...] = ()
    """What the starter needs beside `workflow.start`."""


# --- how it stands ---------------------------------------------------------------------------------


class RunSummary(Frozen):
    id: str
    name: str
    version: int
    description: str = ""
    status: RunStatus
    user: str
    source: Source
    steps_total: int
    steps_done: int
    error: StepError | None = None
    parent_id: str | None = None
    session_id: str | None = None
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    deadline_at: AwareDatetime | None = None


class Run(RunSummary):
    """A run with every step, in the order of the definition; items of a `for_each` follow their step."""

    input: dict[str, Any] = Field(default_factory=dict)
    outputs: Any = None
    steps: tuple[StepState, ...] = ()
    sequence: int = 0
    """The number of the newest event: whoever follows asks for what comes after it."""
    needs: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """step -> the steps it needs: the picture's edges."""
    approvals: tuple[ApprovalItem, ...] = ()


class RunAccepted(BaseModel):
    """Stored; it runs, or will as soon as an actor is free. A dry run has a plan and no id."""

    id: str | None = None
    status: RunStatus = "pending"
    name: str
    version: int = 0
    duplicate: bool = False
    """True when this very run had been started before."""
    plan: tuple[PlannedStep, ...] = ()


class ControlRun(RunRef):
    """Cancel, pause or resume. `reason` goes into the audit; `compensate` of a cancel undoes what was done."""

    reason: str = Field(default="", max_length=2_000)
    source: Source = "rest"
    compensate: bool = False


class RunChanged(BaseModel):
    id: str
    status: RunStatus
    """As it stands at the moment; a cancel or a pause acts at the next edge of a step."""


class RunList(BaseModel):
    identity: Identity
    status: RunStatus | None = None
    name: str | None = None
    session_id: str | None = None
    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = None


class RunPage(BaseModel):
    items: tuple[RunSummary, ...]
    next_cursor: str | None = None


# --- events ----------------------------------------------------------------------------------------


class RunEvent(Frozen):
    """One change of a run, numbered from 1 without gaps. `status` is the run's after the change. An output of
    more than 4 KB is left out of the step here; the run itself has it."""

    workflow_id: str
    sequence: int
    type: RunEventType
    at: AwareDatetime
    status: RunStatus
    step: StepState | None = None
    approval: ApprovalItem | None = None
    decision: DecisionRecord | None = None
    error: StepError | None = None
    message: str = ""


class EventsAfter(RunRef):
    after: int = Field(default=0, ge=0)
    limit: int = Field(default=1_000, ge=1, le=1_000)


class RunEvents(BaseModel):
    """`ended`: nothing will follow the last one."""

    items: tuple[RunEvent, ...]
    ended: bool


class Emitted(BaseModel):
    """What a `core.emit` step says; kept until taken. The CloudEvent's id is the effect's key."""

    name: str
    data: dict[str, Any]
    workflow_id: str
    step_id: str


class RunWake(BaseModel):
    """Something about a run has changed in the store: its owner looks, or an actor takes it."""

    id: str


class Template(Frozen):
    """A workflow that ships with the copilot. `inputs`: the declarations by name. `intents`: those of the chat
    that it answers. `destructive`: it changes something, and asks first. `documentation`: Markdown; what it does,
    what it wants, what happens."""

    name: str
    title: str
    description: str
    destructive: bool
    intents: tuple[str, ...] = ()
    inputs: dict[str, Any] = Field(default_factory=dict)
    steps: int
    definition: dict[str, Any]
    documentation: str = ""


class TemplateList(BaseModel):
    identity: Identity


class Templates(BaseModel):
    items: tuple[Template, ...]
    next_cursor: str | None = None
