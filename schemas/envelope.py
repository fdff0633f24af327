"""The envelope around every payload: CloudEvents 1.0 fields, deadline, trace context, identity.

On NATS it travels in headers (binary mode, `ce-*`); a client may also send structured mode.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.errors import DeadlineExceeded, InvalidInput, MalformedBody, Violation

DataT = TypeVar("DataT")
BodyT = TypeVar("BodyT", bound=BaseModel)

STRUCTURED = "application/cloudevents+json"
DEADLINE = "copilot-deadline"
TELL = "copilot-tell"
"""On a submission: the gateway that wants the finished reply sent to it, beside the stream."""
PROBLEM = "copilot-problem"
"""Set on an answer whose body is a Problem."""


@dataclass(frozen=True, slots=True)
class Envelope(Generic[DataT]):
    """`deadline` is in seconds of this machine's monotonic clock; None means no limit; it travels as
    `actors.platform.bus.deadline` writes it. `authorization` is the caller's own header."""

    id: str
    source: str
    type: str
    data: DataT
    time: datetime
    deadline: float | None = None
    traceparent: str | None = None
    authorization: str | None = None
    tell: str | None = None

    def headers(self) -> dict[str, str]:
        headers = {
            "ce-specversion": "1.0",
            "ce-id": self.id,
            "ce-source": self.source,
            "ce-type": self.type,
            "ce-time": self.time.isoformat(),
            "content-type": "application/json",
        }
        if self.traceparent:
            headers["traceparent"] = self.traceparent
        if self.authorization:
            headers["authorization"] = self.authorization
        if self.tell:
            headers[TELL] = self.tell
        return headers

    def remaining(self, default: float) -> float:
        """Seconds left until the deadline. Raises DeadlineExceeded when there is nothing left."""
        if self.deadline is None:
            return default
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("the request's deadline had passed when it was taken up")
        return left


class StructuredEvent(BaseModel):
    """A CloudEvent in structured mode."""

    model_config = ConfigDict(extra="allow")

    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=255)
    source: str = Field(min_length=1, max_length=255)
    type: str
    time: datetime | None = None
    data: Any = None


def structured(body: bytes) -> StructuredEvent:
    """Raises MalformedBody, InvalidInput with every field that is wrong."""
    return parse(body, StructuredEvent)


def violations(error: ValidationError) -> tuple[Violation, ...]:
    """pydantic's findings as JSON pointers; the input itself is not echoed."""
    return tuple(
        Violation(pointer="".join(f"/{_escape(part)}" for part in item["loc"]), detail=item["msg"])
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    )


def parse(body: bytes, kind: type[BodyT]) -> BodyT:
    """A JSON body as its payload. Raises MalformedBody for what is not JSON, InvalidInput with pointers."""
    try:
        parsed = kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise MalformedBody(f"the body is not JSON: {first['msg']}") from error
        raise InvalidInput("the body does not have the expected form", violations=violations(error)) from error
    if b"\\u0000" in body:
        _refuse_nul(parsed)
    return parsed


def _refuse_nul(parsed: BaseModel) -> None:
    """The database stores no NUL characters; better told here than found there."""
    wrong = tuple(
        Violation(pointer=pointer, detail="must not contain the NUL character")
        for pointer, text in _texts(parsed.model_dump(mode="json"), "")
        if "\0" in text
    )
    if wrong:
        raise InvalidInput("the body does not have the expected form", violations=wrong)


def _texts(value: Any, pointer: str) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(pointer, value)]
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        keys = [(pointer, key) for key, _ in items]
        return keys + [found for key, inner in items for found in _texts(inner, f"{pointer}/{key}")]
    if isinstance(value, list):
        inner_values = enumerate(cast("list[Any]", value))
        return [found for number, inner in inner_values for found in _texts(inner, f"{pointer}/{number}")]
    return []


def _escape(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def now() -> datetime:
    return datetime.now(UTC)


def header(headers: Mapping[str, str] | None, name: str) -> str | None:
    """Header names are compared without case, as CloudEvents and HTTP do."""
    if not headers:
        return None
    value = headers.get(name)
    if value is not None:
        return value
    return next((text for key, text in headers.items() if key.lower() == name), None)
