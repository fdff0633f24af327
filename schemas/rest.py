"""The bodies of the REST interface that are not payloads of the bus already."""

from __future__ import annotations

import zoneinfo
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel, Strict, field_validator

from schemas.adapters import Degraded, Evidence, HealthAnswer, MetricAnswer, Translation
from schemas.conversation import MESSAGE_CHARACTERS, SESSION_ID, TURN_ID, Part, SubmitTurn
from schemas.entities import Entity
from schemas.measures import Measured
from schemas.nlp import Intent
from schemas.plans import Plan, TimeRange

Instant = Annotated[AwareDatetime, Strict()]
"""An RFC 3339 string; a bare number is refused, as the published schema says."""


class Body(BaseModel):
    """What a client sends: an unknown field is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid")


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def known_time_zone(name: str) -> str:
    """Raises ValueError for a name that is not in the IANA database."""
    if name not in _time_zones():
        raise ValueError("not an IANA time zone such as 'UTC' or 'Europe/Vienna'")
    return name


class CreateSession(Body):
    name: str | None = Field(default=None, max_length=200, examples=["On call"])
    timezone: str = Field(default="UTC", max_length=64, examples=["Europe/Vienna"])
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        return known_time_zone(value)


class PostMessage(Body):
    session_id: str | None = Field(default=None, pattern=SESSION_ID)
    content: str = Field(
        min_length=1,
        max_length=MESSAGE_CHARACTERS,
        examples=["What is the error rate for the payment service in the last hour?"],
    )
    turn_id: str | None = Field(default=None, pattern=TURN_ID)
    attachments: list[Any] = Field(default_factory=list, json_schema_extra={"maxItems": 0})
    as_of: Instant | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)

    @field_validator("attachments")
    @classmethod
    def _none_yet(cls, value: list[Any]) -> list[Any]:
        if value:
            raise ValueError("attachments cannot be taken yet: send an empty list or leave the field out")
        return value

    @field_validator("content")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be blank")
        return value

    def submission(self) -> SubmitTurn:
        return SubmitTurn(
            session_id=self.session_id,
            content=self.content,
            turn_id=self.turn_id,
            as_of=self.as_of,
            metadata=self.metadata,
        )


class ParseText(Body):
    text: str = Field(min_length=1, max_length=MESSAGE_CHARACTERS, examples=["p95 latency of checkout today"])
    session_id: str | None = Field(default=None, pattern=SESSION_ID)
    """Understood as the next message of this session."""
    as_of: Instant | None = None
    timezone: str | None = Field(default=None, max_length=64, examples=["Europe/Vienna"])
    """The session's own unless given; without a session UTC."""

    @field_validator("text")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must not be blank")
        return value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return value if value is None else known_time_zone(value)


class Parsed(BaseModel):
    """What a text means, without any effect. `missing` would be asked back; `query` is null where the plan has
    none or is not complete."""

    intent: Intent
    entities: tuple[Entity, ...]
    missing: tuple[str, ...]
    plan: Plan | None
    query: Translation | None
    parts: tuple[Part, ...]


class QueryRange(Body):
    start: Instant
    end: Instant
    step_seconds: float | None = Field(default=None, gt=0, le=86_400)

    @field_validator("end")
    @classmethod
    def _after_start(cls, end: AwareDatetime, info: Any) -> AwareDatetime:
        start = info.data.get("start")
        if start is not None and start >= end:
            raise ValueError("must be after start")
        return end

    def window(self) -> TimeRange:
        return TimeRange(start=self.start, end=self.end)


class MetricsQuery(Body):
    query: str = Field(min_length=1, max_length=MESSAGE_CHARACTERS, examples=["p95 latency of checkout today"])
    language: Literal["natural", "promql"] = "natural"
    range: QueryRange | None = None
    as_of: Instant | None = None
    """Ask as if at that time; `range` goes before what the text says."""


class MetricsQueryAnswer(BaseModel):
    """`answer` is null for a query in the backend's own language: its result is in the evidence."""

    query: str
    language: Literal["natural", "promql"]
    answer: MetricAnswer | HealthAnswer | Measured | None = None
    evidence: tuple[Evidence, ...] = ()
    degraded: tuple[Degraded, ...] = ()


class Alert(RootModel[dict[str, Any]]):
    """Whatever the alerting system says; it is understood where it is taken."""


class AlertTaken(BaseModel):
    id: str


class Health(BaseModel):
    status: Literal["ok", "draining"]
    version: str
    uptime_seconds: float


class Dependency(BaseModel):
    name: str
    status: Literal["up", "down", "not_configured"]
    latency_ms: float | None = None
    message: str = ""


class Readiness(BaseModel):
    status: Literal["ready", "not_ready"]
    dependencies: tuple[Dependency, ...]
