"""What the actions of the engine itself ask in a step's `with`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from actors.workflow.definition.durations import Duration
from schemas.approvals import OnExpiry

EMIT_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"

Person = Annotated[str, Field(pattern=r"^(role:(viewer|operator|approver|admin)|(user:)?[^\s:]{1,255})$")]
"""`role:<role>`, or a person's name, with or without `user:` before it."""


class _Asks(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Noop(_Asks):
    """Does nothing, and has an output of nothing."""


class SetValues(_Asks):
    """`values` become the output."""

    values: dict[str, Any]


class Wait(_Asks):
    """Until so much later, or until an instant (one that has passed is no wait)."""

    duration: Duration | None = None
    until: AwareDatetime | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Wait:
        if (self.duration is None) == (self.until is None):
            raise ValueError("give one of duration and until")
        return self


class _Asking(_Asks):
    """`expires` and `remind` count from the question; a reminder comes again after the same time."""

    message: str = Field(default="", max_length=10_000)
    details: Any = None
    expires: Duration | None = None
    remind: Duration | None = None


class Approval(_Asking):
    """`on_expiry`: `reject` goes on with the decision `reject`, `fail` fails the step."""

    title: str = Field(min_length=1, max_length=500)
    approvers: tuple[Person, ...] = Field(default=("role:approver", "role:admin"), min_length=1, max_length=100)
    quorum: int = Field(default=1, ge=1, le=100)
    on_expiry: OnExpiry = "reject"
    allow_self: bool = False

    @model_validator(mode="after")
    def _can_be_reached(self) -> Approval:
        if self.quorum > len(set(self.approvers)) and not any(who.startswith("role:") for who in self.approvers):
            raise ValueError(f"{len(set(self.approvers))} people cannot give {self.quorum} approvals")
        return self


class Question(_Asking):
    """A question to people; without `to`, to whoever started the run. With `options` the answer is one of them.
    Not answered in time, the step fails."""

    question: str = Field(min_length=1, max_length=500)
    to: tuple[Person, ...] = Field(default=(), max_length=100)
    options: tuple[str, ...] = Field(default=(), max_length=100)


class SubWorkflow(_Asks):
    """Runs another workflow to its end: a stored one by name (its newest version, or `version`), a template, or
    one written out here. The output is `{id, status, outputs}`."""

    workflow: str | None = None
    version: int | None = Field(default=None, ge=1)
    template: str | None = None
    definition: dict[str, Any] | None = None
    input: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_origin(self) -> SubWorkflow:
        if sum(x is not None for x in (self.workflow, self.template, self.definition)) != 1:
            raise ValueError("give one of workflow, template and definition")
        return self


class Emit(_Asks):
    """An event that is kept until taken; `name` ends its subject."""

    name: str = Field(pattern=EMIT_NAME)
    data: dict[str, Any] = Field(default_factory=dict)
