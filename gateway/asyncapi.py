"""The AsyncAPI 3.0 document of what clients may use on NATS, generated from the table of subjects."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, TypeAdapter

from schemas.errors import Problem
from schemas.subjects import EVENT_SUBJECTS, REQUESTS, ROOT, Event, Request

REF = "#/components/schemas/{model}"
_CLOUD_EVENT = {
    "ce-specversion": {"type": "string", "const": "1.0"},
    "ce-id": {"type": "string", "description": "A repeated id from the same source is one event."},
    "ce-source": {"type": "string"},
    "ce-type": {"type": "string"},
    "ce-time": {"type": "string", "format": "date-time"},
    "traceparent": {"type": "string"},
    "authorization": {"type": "string", "description": "Bearer <token>; not needed in local mode."},
    "Nats-Msg-Id": {"type": "string", "description": "Taken for ce-id where that is missing."},
}


class _Document:
    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}

    def message(self, name: str, payload: Any, kind: str) -> dict[str, str]:
        if isinstance(payload, type) and payload is BaseModel:
            schema: dict[str, Any] = {"type": "object"}
        else:
            schema = TypeAdapter(payload).json_schema(ref_template=REF)
            self.schemas.update(schema.pop("$defs", {}))
        self.messages[name] = {
            "name": kind,
            "contentType": "application/json",
            "headers": {"type": "object", "properties": _CLOUD_EVENT},
            "payload": schema,
        }
        return {"$ref": f"#/components/messages/{name}"}

    def channel(self, name: str, address: str, messages: dict[str, dict[str, str]], text: str) -> None:
        parameters: dict[str, dict[str, str]] = {part: {} for part in re.findall(r"\{(\w+)\}", address)}
        self.channels[name] = {"address": address, "messages": messages, "description": text}
        if parameters:
            self.channels[name]["parameters"] = parameters


def document(version: str) -> dict[str, Any]:
    made = _Document()
    for request in REQUESTS:
        if request.public:
            _request(made, request)
    for event in EVENT_SUBJECTS:
        if event.client_may_publish:
            _event(made, event, "receive", "Clients publish; kept until taken although every actor is down.")
        if event.client_may_subscribe:
            _event(made, event, "send", "Clients subscribe to what is theirs.")
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "LLM-CoPilot-Agent on NATS", "version": version},
        "defaultContentType": "application/json",
        "channels": made.channels,
        "operations": made.operations,
        "components": {"messages": made.messages, "schemas": made.schemas},
    }


def _name(pattern: str) -> str:
    words = re.findall(r"[a-z]+", re.sub(r"\{\w+\}", "", pattern).removeprefix(ROOT))
    return "".join(word.title() for word in words)


def _request(made: _Document, request: Request[Any, Any]) -> None:
    name = _name(request.pattern)
    asks = made.message(name, request.asks, request.type)
    answers = made.message(f"{name}Answer", request.answers, f"{request.type}.answer")
    problem = made.message("Problem", Problem, "problem")
    made.channel(name, request.pattern, {name: asks}, "A request; a bare publish is at most once.")
    made.channels[f"{name}Reply"] = {"address": None, "messages": {"answer": answers, "problem": problem}}
    made.operations[name] = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "reply": {
            "address": {"location": "$message.header#/reply"},
            "channel": {"$ref": f"#/channels/{name}Reply"},
        },
    }


def _event(made: _Document, event: Event[Any], action: str, text: str) -> None:
    name = _name(event.pattern)
    made.channel(name, event.pattern, {name: made.message(name, event.tells, event.type)}, text)
    made.operations[name] = {"action": action, "channel": {"$ref": f"#/channels/{name}"}}
