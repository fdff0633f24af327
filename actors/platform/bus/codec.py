"""Packets to envelopes and back; the only place that knows both CloudEvents modes."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, ValidationError

from actors.platform.bus import deadline
from actors.platform.bus.ids import new_ulid
from actors.platform.bus.transport import Packet
from schemas.envelope import (
    DEADLINE,
    PROBLEM,
    STRUCTURED,
    TELL,
    Envelope,
    header,
    now,
    structured,
    violations,
)
from schemas.errors import CopilotError, InvalidInput, Problem, from_problem

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def decode(packet: Packet, kind: type[BaseModel]) -> Envelope[Any]:
    """Raises InvalidInput with pointers into the body."""
    headers = packet.headers
    event_id, source, body = header(headers, "ce-id"), header(headers, "ce-source"), packet.body
    if (header(headers, "content-type") or "").startswith(STRUCTURED):
        event = structured(packet.body)
        event_id, source, body = event.id, event.source, json.dumps(event.data).encode()
    return Envelope(
        id=event_id or header(headers, "nats-msg-id") or new_ulid(),
        source=source or "client",
        type=header(headers, "ce-type") or "",
        data=_parse(body, kind),
        time=now(),
        deadline=deadline.read(until) if (until := header(headers, DEADLINE)) is not None else None,
        traceparent=header(headers, "traceparent"),
        authorization=header(headers, "authorization"),
        tell=_name(header(headers, TELL)),
    )


def _parse(body: bytes, kind: type[BaseModel]) -> BaseModel:
    try:
        return kind.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise InvalidInput("the body does not have the expected form", violations=violations(error)) from error


def _name(text: str | None) -> str | None:
    """It becomes a part of a subject."""
    if text is None or NAME.fullmatch(text):
        return text
    raise InvalidInput(f"the header {TELL} is not the name of a gateway")


def answer(payload: BaseModel | CopilotError) -> tuple[bytes, dict[str, str]]:
    if isinstance(payload, CopilotError):
        body = payload.problem().model_dump_json(exclude_none=True).encode()
        return body, {"content-type": "application/problem+json", PROBLEM: payload.slug}
    return payload.model_dump_json().encode(), {"content-type": "application/json"}


def problem_of(packet: Packet) -> CopilotError | None:
    if header(packet.headers, PROBLEM) is None:
        return None
    return from_problem(Problem.model_validate_json(packet.body))
