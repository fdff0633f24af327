"""What waits for a person: approvals, questions, and whether an effect happened; and people's decisions."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from schemas.identity import Identity, Role
from schemas.steps import Frozen, PlannedStep, RunRef, Source

APPROVER_ROLES: tuple[Role, ...] = ("approver", "admin")
"""Who decides where a definition names nobody."""

ApprovalKind = Literal["approval", "question", "verdict"]
"""`question`: core.ask; `verdict`: whether an effect happened whose actor died, which only a person can say."""
Choice = Literal["approve", "reject", "answer", "happened", "again", "fail"]
OnExpiry = Literal["reject", "fail"]
ApprovalOutcome = Literal["approve", "reject", "answer", "happened", "again", "fail", "expired", "cancelled"]


class DecisionRecord(Frozen):
    decided_by: str
    decision: Choice
    comment: str = ""
    answer: Any = None
    self_approval: bool = False
    at: AwareDatetime
    source: Source = "rest"


class ApprovalItem(Frozen):
    """What waits for a person. `id` is `<run>:<step>:<item>`; a decision names `plan_hash`, the hash of what the
    person saw: definition, inputs, and what was done on the way here."""

    id: str
    workflow_id: str
    step_id: str
    item: str = ""
    kind: ApprovalKind
    workflow: str
    title: str
    message: str = ""
    details: Any = None
    options: tuple[str, ...] = ()
    """Answers to choose from, where the question gives some."""
    requested_by: str
    approvers: tuple[str, ...]
    """`role:<role>` or a person's name."""
    quorum: int = 1
    allow_self: bool = False
    plan_hash: str
    plan: tuple[PlannedStep, ...] = ()
    """What follows."""
    requested_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    on_expiry: OnExpiry = "reject"
    status: Literal["pending", "closed"] = "pending"
    outcome: ApprovalOutcome | None = None
    decisions: tuple[DecisionRecord, ...] = ()


class Decision(RunRef):
    """One person's word on one waiting step."""

    step_id: str
    item: str = ""
    decision: Choice
    plan_hash: str
    comment: str = Field(default="", max_length=4_000)
    answer: Any = None
    source: Source = "rest"


class DecisionTaken(BaseModel):
    """`outcome` is there when this decision settled it; with a quorum it may need more."""

    workflow_id: str
    step_id: str
    item: str = ""
    decision: Choice
    outcome: ApprovalOutcome | None = None
    approvals: int
    quorum: int


class ApprovalList(BaseModel):
    """`mine`: only what the caller may decide."""

    identity: Identity
    status: Literal["pending", "closed", "all"] = "pending"
    workflow_id: str | None = None
    mine: bool = False
    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = None


class ApprovalPage(BaseModel):
    items: tuple[ApprovalItem, ...]
    next_cursor: str | None = None
