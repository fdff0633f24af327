"""A plan is a request in typed parts, before any backend's language."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Metric = Literal["error_rate", "latency", "request_rate"]


class TimeRange(BaseModel):
    """Half-open: `start` included, `end` not. RFC 3339 instants with an offset."""

    model_config = ConfigDict(frozen=True)

    start: AwareDatetime
    end: AwareDatetime

    @model_validator(mode="after")
    def _in_order(self) -> TimeRange:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()


class Plan(BaseModel):
    model_config = ConfigDict(frozen=True)

    intent: str
    service: str | None = None
    """None: all services."""
    metric: Metric | None = None
    percentile: float | None = Field(default=None, gt=0, lt=1)
    range: TimeRange | None = None
