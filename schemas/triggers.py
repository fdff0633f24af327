"""What starts workflows by itself: a schedule, an event on a subject, a webhook."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from schemas.errors import Problem
from schemas.identity import Identity
from schemas.steps import Frozen

TriggerKind = Literal["schedule", "event", "webhook"]


class NewTrigger(BaseModel):
    """`schedule`: `cron` in `zone`; `event`: `subject` with a CEL `filter` over `event`; `webhook`: a secret that
    the caller of the webhook shows. `input` may use `${{ event… }}`. `missed` says what a schedule does with
    firings that came due while everything was down."""

    identity: Identity
    name: str = Field(min_length=1, max_length=100)
    kind: TriggerKind
    definition: dict[str, Any] | None = None
    template: str | None = None
    workflow: str | None = None
    input: dict[str, Any] = Field(default_factory=dict)
    cron: str | None = None
    zone: str = "UTC"
    missed: Literal["skip", "once", "all"] = "once"
    subject: str | None = None
    filter: str | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _one_origin(self) -> NewTrigger:
        if sum(x is not None for x in (self.definition, self.template, self.workflow)) != 1:
            raise ValueError("give one of definition, template and workflow")
        return self


class Trigger(Frozen):
    id: str
    name: str
    kind: TriggerKind
    workflow: str
    """The name of the workflow it starts."""
    user: str
    cron: str | None = None
    zone: str = "UTC"
    missed: Literal["skip", "once", "all"] = "once"
    subject: str | None = None
    filter: str | None = None
    enabled: bool = True
    next_at: AwareDatetime | None = None
    last_at: AwareDatetime | None = None
    last_run: str | None = None
    last_problem: Problem | None = None
    created_at: AwareDatetime
    secret: str | None = None
    """Shown once, when a webhook is made."""


class TriggerRef(BaseModel):
    identity: Identity
    id: str


class TriggerList(BaseModel):
    identity: Identity
    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = None


class TriggerPage(BaseModel):
    items: tuple[Trigger, ...]
    next_cursor: str | None = None


class TriggerDeleted(BaseModel):
    id: str


class FireWebhook(BaseModel):
    """A call of a webhook; the secret is the identity. `delivery` makes a repeated call the same run."""

    id: str
    secret: str
    body: Any = None
    delivery: str | None = Field(default=None, max_length=255)
