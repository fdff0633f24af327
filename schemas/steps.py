"""Steps of a workflow: their states, their errors, and what they would do."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.identity import Identity

RUN_ID = r"^[a-z2-7]{16}\.[0-9A-HJKMNP-TV-Z]{26}$"


RunStatus = Literal[
    "pending",
    "running",
    "waiting_approval",
    "paused",
    "succeeded",
    "failed",
    "cancelled",
    "compensating",
    "compensated",
]
StepStatus = Literal[
    "pending", "ready", "running", "waiting", "succeeded", "failed", "skipped", "cancelled", "compensated"
]
ENDED: frozenset[RunStatus] = frozenset({"succeeded", "failed", "cancelled", "compensated"})
STEP_ENDED: frozenset[StepStatus] = frozenset({"succeeded", "failed", "skipped", "cancelled", "compensated"})


Source = Literal["rest", "websocket", "grpc", "chat", "cli", "mcp", "trigger", "workflow", "nats"]
"""By which door it came; kept in the audit."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class StepError(Frozen):
    """`retryable` says whether the same attempt might have gone well later."""

    type: str
    detail: str
    retryable: bool = False


class StepState(Frozen):
    """One step, or one element of a `for_each` step (`item` is its place, from "0"; "" for the step itself).
    Times have microseconds."""

    id: str
    item: str = ""
    uses: str
    status: StepStatus
    attempt: int = 0
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    output: Any = None
    output_omitted: bool = False
    """Too large to be shown here."""
    error: StepError | None = None
    waits_for: str | None = None
    """In words: an approval, an answer, a time, another run."""
    workflow_id: str | None = None
    """The run of a `core.workflow` step."""


class PlannedStep(Frozen):
    """What a step would do. `input` holds every value that is known beforehand; what depends on the output of
    another step stays as the expression. `effect` is the class of its action."""

    id: str
    uses: str
    needs: tuple[str, ...] = ()
    condition: str | None = None
    for_each: str | None = None
    input: dict[str, Any] = Field(default_factory=dict)
    effect: Literal["pure", "keyed", "probe", "unsafe"]
    compensate: str | None = None
    query: dict[str, Any] | None = None
    """What a backend says it would do, where it can say so."""


class RunRef(BaseModel):
    identity: Identity
    id: str = Field(pattern=RUN_ID)
