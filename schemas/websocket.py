"""The frames of `/ws`. Client frames are read in both spellings, `SendMessage` and `send_message`; the
answers to a frame use the spelling of that frame."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from schemas.conversation import (
    MESSAGE_CHARACTERS,
    SESSION_ID,
    TURN_ID,
    ReplyAction,
    ReplyChunk,
    ReplyCompleted,
    ReplyEvidence,
    ReplyFailed,
    ReplyRestarted,
    ReplyStarted,
    SubmitTurn,
)
from schemas.errors import Problem

POSITION = r"^[A-Za-z0-9_-]{1,64}:[0-9]{1,9}$"
"""`<turn_id>:<sequence>`, as the id of a server-sent event."""


class ClientFrame(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SendMessage(ClientFrame):
    type: Literal["SendMessage"]
    session_id: str | None = Field(default=None, pattern=SESSION_ID)
    content: str = Field(min_length=1, max_length=MESSAGE_CHARACTERS)
    turn_id: str | None = Field(default=None, pattern=TURN_ID)
    as_of: AwareDatetime | None = None

    def submission(self) -> SubmitTurn:
        return SubmitTurn(session_id=self.session_id, content=self.content, turn_id=self.turn_id, as_of=self.as_of)


class Subscribe(ClientFrame):
    type: Literal["Subscribe"]
    session_id: str = Field(pattern=SESSION_ID)
    after: str | None = Field(default=None, pattern=POSITION)


class ExecuteWorkflow(ClientFrame):
    type: Literal["ExecuteWorkflow"]
    template: str | None = None
    definition: dict[str, Any] | None = None
    input: dict[str, Any] = Field(default_factory=dict)


class DecideApproval(ClientFrame):
    type: Literal["DecideApproval"]
    workflow_id: str
    step_id: str
    decision: Literal["approve", "reject"]
    plan_hash: str
    comment: str | None = None


class Ping(ClientFrame):
    type: Literal["Ping"]


AnyClientFrame = Annotated[
    SendMessage | Subscribe | ExecuteWorkflow | DecideApproval | Ping, Field(discriminator="type")
]
CLIENT_FRAME: TypeAdapter[SendMessage | Subscribe | ExecuteWorkflow | DecideApproval | Ping] = TypeAdapter(
    AnyClientFrame
)

SERVER_NAMES: dict[str, str] = {
    "reply.started": "ReplyStarted",
    "reply.restarted": "ReplyRestarted",
    "reply.chunk": "StreamChunk",
    "reply.evidence": "Evidence",
    "reply.action": "ActionUpdate",
    "reply.completed": "MessageComplete",
    "reply.failed": "Error",
}
SERVER_PAYLOADS: dict[str, type[BaseModel]] = {
    "ReplyStarted": ReplyStarted,
    "ReplyRestarted": ReplyRestarted,
    "StreamChunk": ReplyChunk,
    "Evidence": ReplyEvidence,
    "ActionUpdate": ReplyAction,
    "MessageComplete": ReplyCompleted,
    "Error": ReplyFailed,
}


class Error(BaseModel):
    """`session_id` and `turn_id` where the error belongs to a turn."""

    type: Literal["Error"] = "Error"
    problem: Problem
    session_id: str | None = None
    turn_id: str | None = None


def snake(name: str) -> str:
    """`SendMessage` -> `send_message`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


CAMEL: dict[str, str] = {
    snake(name): name for name in ("SendMessage", "Subscribe", "ExecuteWorkflow", "DecideApproval", "Ping")
}
