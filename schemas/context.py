"""Sessions and what a conversation has in hand."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.entities import Entity
from schemas.identity import Identity, Permission
from schemas.plans import Plan


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Offer(Frozen):
    """What a plain "yes" takes up."""

    kind: str
    """The handler that carries it out: `upstream`, or the one of an intent."""
    plan: Plan
    text: str
    permission: Permission = "telemetry.read"


class Frame(Frozen):
    """One request as it stands in the conversation: what later messages go on with."""

    plan: Plan
    entities: tuple[Entity, ...] = ()
    """What was said of it, here or before."""
    everything: bool = False
    """It was said that all services are meant."""


class OpenQuestion(Frozen):
    """What was asked back. The next message may be no more than the answer."""

    frame: Frame
    missing: tuple[str, ...]
    options: tuple[str, ...] = ()


class Shown(Frozen):
    """The list that the last answer showed, in its order: what "the second one" is taken from."""

    type: str
    """The entity type of the names: `service`, `incident_id`, `workflow` …"""
    names: tuple[str, ...]


class WorkingMemory(Frozen):
    """As the last finished turn left it."""

    plan: Plan | None = None
    """The last one."""
    frames: tuple[Frame, ...] = ()
    """The requests of the conversation, the latest first; the first one holds `plan`."""
    question: OpenQuestion | None = None
    offer: Offer | None = None
    shown: Shown | None = None


class NewSession(BaseModel):
    id: str | None = None
    """Set by the gateway when an idempotency key must lead to the same session again."""
    name: str | None = Field(default=None, max_length=200)
    timezone: str = "UTC"
    metadata: dict[str, Any] = Field(default_factory=dict)
    identity: Identity


class Session(BaseModel):
    id: str
    name: str | None
    timezone: str
    metadata: dict[str, Any]
    created_at: AwareDatetime
    updated_at: AwareDatetime


class SessionRef(BaseModel):
    id: str
    identity: Identity


class SessionMemory(BaseModel):
    """What a conversation has in hand between two turns, and where its clocks stand."""

    memory: WorkingMemory
    timezone: str


class PageRequest(BaseModel):
    identity: Identity
    session_id: str | None = None
    limit: int = Field(default=50, ge=1, le=100)
    cursor: str | None = None


class SessionPage(BaseModel):
    items: tuple[Session, ...]
    next_cursor: str | None = None


class Deleted(BaseModel):
    id: str


class IdempotencyClaim(BaseModel):
    """The first claim of (owner, key) is new; the next ones get the stored answer."""

    owner: str
    key: str = Field(min_length=1, max_length=255)
    fingerprint: str


class IdempotencyState(BaseModel):
    state: Literal["new", "running", "done"]
    resource_id: str
    """A ULID that stays the same for the key: what is created under it is created once."""
    status: int | None = None
    body: str | None = None


class IdempotencyResult(BaseModel):
    """The answer to keep; without a status the attempt came to nothing and the key may be tried again."""

    owner: str
    key: str
    status: int | None = None
    body: str | None = None


class Done(BaseModel):
    done: bool = True
