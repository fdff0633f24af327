"""Packets to envelopes and back; the only place that knows both CloudEvents modes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

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
    parse,
    structured,
)
from schemas.errors import CopilotError, InvalidInput, Problem, UnsupportedMedia, from_problem

JSON = "application/json"
SPECVERSION = "1.0"
LONGEST_ATTRIBUTE = 255
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def decode(packet: Packet, kind: type[BaseModel], id: str | None = None) -> Envelope[Any]:
    """`id` is for one that names none. Raises UnsupportedMedia, MalformedBody, or InvalidInput with pointers."""
    headers = packet.headers
    event_id = header(headers, "ce-id") or header(headers, "nats-msg-id") or id
    source, body = header(headers, "ce-source"), packet.body
    if _structured(headers):
        event = structured(packet.body)
        event_id, source, body = event.id, event.source, json.dumps(event.data).encode()
    return Envelope(
        id=_attribute("ce-id", event_id) or new_ulid(),
        source=_attribute("ce-source", source) or "client",
        type=_attribute("ce-type", header(headers, "ce-type")) or "",
        data=parse(body or b"{}", kind),
        time=now(),
        deadline=deadline.read(until) if (until := header(headers, DEADLINE)) is not None else None,
        traceparent=header(headers, "traceparent"),
        authorization=header(headers, "authorization"),
        tell=_name(header(headers, TELL)),
    )


def _structured(headers: Mapping[str, str]) -> bool:
    """Which of the two modes it is. Raises UnsupportedMedia for neither."""
    media = (header(headers, "content-type") or JSON).partition(";")[0].strip().lower()
    if media not in (JSON, STRUCTURED):
        raise UnsupportedMedia(f"send {JSON}, or {STRUCTURED}")
    if (header(headers, "ce-specversion") or SPECVERSION) != SPECVERSION:
        raise InvalidInput(f"ce-specversion must be {SPECVERSION}")
    return media == STRUCTURED


def _attribute(name: str, text: str | None) -> str | None:
    """It is stored as it is, and may be a key there."""
    if text is not None and (len(text) > LONGEST_ATTRIBUTE or not text.isprintable()):
        raise InvalidInput(f"{name} must be at most {LONGEST_ATTRIBUTE} printable characters")
    return text


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
