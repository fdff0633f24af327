"""Turns, messages, and the one vocabulary of reply events."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from schemas.adapters import Degraded, Evidence, Usage
from schemas.entities import Entity
from schemas.errors import Problem
from schemas.nlp import Intent, Understanding

SESSION_ID = r"^[a-z2-7]{16}\.[0-9A-HJKMNP-TV-Z]{26}$"
TURN_ID = r"^[A-Za-z0-9_-]{1,64}$"
MESSAGE_CHARACTERS = 10_000


class SubmitTurn(BaseModel):
    """The body of a submission. A turn's key is its user with `turn_id`, and its user with the CloudEvent's
    (source, id); over HTTP the idempotency key takes the place of the id. The same key is the same turn."""

    model_config = ConfigDict(extra="forbid")

    session_id: str | None = Field(default=None, pattern=SESSION_ID)
    content: str = Field(min_length=1, max_length=MESSAGE_CHARACTERS)
    turn_id: str | None = Field(default=None, pattern=TURN_ID)
    as_of: AwareDatetime | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("content")
    @classmethod
    def _storable(cls, content: str) -> str:
        if "\0" in content:
            raise ValueError("must not contain the NUL character")
        if not content.strip():
            raise ValueError("must not be blank")
        return content

    @field_validator("metadata")
    @classmethod
    def _storable_too(cls, metadata: dict[str, Any]) -> dict[str, Any]:
        if "\\u0000" in json.dumps(metadata):
            raise ValueError("must not contain the NUL character")
        return metadata


class TurnAccepted(BaseModel):
    session_id: str
    turn_id: str
    duplicate: bool = False
    """True when this very turn had been accepted before."""
    queued: bool = False
    """True when an earlier turn of the session is still to be answered."""


class Clarification(BaseModel):
    question: str
    missing: tuple[str, ...]
    options: tuple[str, ...] = ()


class ActionRef(BaseModel):
    kind: str
    id: str
    status: str


class Part(BaseModel):
    intent: Intent
    entities: tuple[Entity, ...] = ()
    condition: str | None = None


def parts_of(meaning: Understanding) -> tuple[Part, ...]:
    """The further requests of a message, as clients see them."""
    return tuple(
        Part(intent=part.intent, entities=part.entities, condition=part.condition_text) for part in meaning.parts
    )


class Message(BaseModel):
    """An assistant's reply, as stored and as sent."""

    id: str
    session_id: str
    turn_id: str
    role: Literal["assistant"] = "assistant"
    content: str
    intent: Intent
    entities: tuple[Entity, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    clarification: Clarification | None = None
    parts: tuple[Part, ...] = ()
    actions: tuple[ActionRef, ...] = ()
    suggestions: tuple[str, ...] = ()
    degraded: tuple[Degraded, ...] = ()
    usage: Usage = Usage()
    latency_ms: int
    created_at: AwareDatetime


class UserMessage(BaseModel):
    """What a person said, as it stands in the history."""

    id: str
    session_id: str
    turn_id: str
    role: Literal["user"] = "user"
    content: str
    created_at: AwareDatetime


HistoryItem = Annotated[UserMessage | Message, Field(discriminator="role")]


class HistoryPage(BaseModel):
    items: tuple[HistoryItem, ...]
    next_cursor: str | None = None


class TurnRef(BaseModel):
    owner: str
    session_id: str
    turn_id: str


class TurnOutcome(BaseModel):
    """How a turn stands: the stored message or the problem once it is closed."""

    state: Literal["queued", "running", "done", "failed"]
    events: int = 0
    """How many reply events a closed turn has; a follower after the stream's hour builds on this."""
    message: Message | None = None
    problem: Problem | None = None


class SessionTurns(BaseModel):
    session_id: str
    after_turn: str | None = None


class SessionTurnList(BaseModel):
    turn_ids: tuple[str, ...]


class _Event(BaseModel):
    session_id: str
    turn_id: str
    sequence: int = Field(ge=0)


class ReplyStarted(_Event):
    type: Literal["reply.started"] = "reply.started"
    intent: Intent
    entities: tuple[Entity, ...] = ()


class ReplyChunk(_Event):
    type: Literal["reply.chunk"] = "reply.chunk"
    chunk: str


class ReplyRestarted(_Event):
    type: Literal["reply.restarted"] = "reply.restarted"
    reason: str


class ReplyEvidence(_Event):
    type: Literal["reply.evidence"] = "reply.evidence"
    evidence: Evidence


class ReplyAction(_Event):
    type: Literal["reply.action"] = "reply.action"
    action: ActionRef


class ReplyCompleted(_Event):
    type: Literal["reply.completed"] = "reply.completed"
    message: Message


class ReplyFailed(_Event):
    type: Literal["reply.failed"] = "reply.failed"
    problem: Problem


class ReplyFence(BaseModel):
    """Who takes a turn's reply over: whoever wrote it before may not write any more."""

    epoch: int
    life: str


ReplyEvent = Annotated[
    ReplyStarted | ReplyChunk | ReplyRestarted | ReplyEvidence | ReplyAction | ReplyCompleted | ReplyFailed,
    Field(discriminator="type"),
]
REPLY_EVENT: TypeAdapter[ReplyEvent] = TypeAdapter(ReplyEvent)
FINAL = ("reply.completed", "reply.failed")
