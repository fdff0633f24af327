"""Sessions and what a conversation has in hand."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.identity import Identity
from schemas.plans import Plan


class Offer(BaseModel):
    """What a plain "yes" takes up."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["upstream"]
    plan: Plan
    text: str


class WorkingMemory(BaseModel):
    """As the last finished turn left it."""

    model_config = ConfigDict(frozen=True)

    plan: Plan | None = None
    offer: Offer | None = None


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
