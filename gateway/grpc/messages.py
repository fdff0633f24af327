"""Payloads to protobuf and back."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from google.protobuf import json_format
from pydantic import BaseModel, ValidationError

from schemas import copilot_pb2 as pb
from schemas.context import Session
from schemas.conversation import Message, ReplyChunk, ReplyEvent, SubmitTurn
from schemas.envelope import parse, violations
from schemas.errors import InvalidInput
from schemas.rest import CreateSession

_FIELDS = {
    "reply.started": ("started", None),
    "reply.restarted": ("restarted", None),
    "reply.evidence": ("evidence", "evidence"),
    "reply.action": ("action", "action"),
    "reply.completed": ("completed", "message"),
    "reply.failed": ("failed", "problem"),
}
"""event type -> the field of `ResponseChunk`, and the attribute that fills it (None: the event itself)."""


def submission(request: pb.MessageRequest) -> SubmitTurn:
    """Raises InvalidInput."""
    try:
        return SubmitTurn(
            session_id=request.session_id or None,
            content=request.content,
            turn_id=request.turn_id or None,
            as_of=request.as_of.ToDatetime(tzinfo=UTC) if request.HasField("as_of") else None,
        )
    except ValidationError as error:
        raise InvalidInput("the request does not have the expected form", violations=violations(error)) from error
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"as_of is not a time: {error}") from error


def new_session(request: pb.SessionRequest) -> CreateSession:
    """Raises InvalidInput."""
    given: dict[str, Any] = json_format.MessageToDict(request, preserving_proto_field_name=True)
    return parse(
        CreateSession.model_construct(**given).model_dump_json(exclude_unset=True).encode(), CreateSession
    )


def session(found: Session) -> pb.SessionResponse:
    return json_format.ParseDict(found.model_dump(mode="json"), pb.SessionResponse())


def message(reply: Message) -> pb.MessageResponse:
    return json_format.ParseDict(reply.model_dump(mode="json"), pb.MessageResponse())


def chunk(event: ReplyEvent) -> pb.ResponseChunk:
    response = pb.ResponseChunk(session_id=event.session_id, turn_id=event.turn_id, sequence=event.sequence)
    if isinstance(event, ReplyChunk):
        response.chunk = event.chunk
        return response
    field, attribute = _FIELDS[event.type]
    source: BaseModel = event if attribute is None else getattr(event, attribute)
    values = source.model_dump(
        mode="json", exclude={"type", "session_id", "turn_id", "sequence"} if attribute is None else None
    )
    target = getattr(response, field)
    target.SetInParent()
    json_format.ParseDict(values, target)
    return response
