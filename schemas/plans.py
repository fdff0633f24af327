"""A plan is a request in typed parts, before any backend's language."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Metric = Literal["error_rate", "latency", "request_rate"]
"""The metrics of requests, which have a breakdown and an objective."""

Operator = Literal[">", ">=", "<", "<=", "==", "!="]
Aggregation = Literal["avg", "max", "min", "sum", "count"]
Environment = Literal["production", "staging", "development", "test"]
LogLevel = Literal["fatal", "error", "warn", "info", "debug"]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class TimeRange(Frozen):
    """Half-open: `start` included, `end` not. RFC 3339 instants with an offset."""

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


class Threshold(Frozen):
    """ "above 2 %" is `>` 0.02, "slower than 500ms" is `>` 0.5."""

    operator: Operator
    value: float
    """In base units: seconds, bytes, ratios from 0 to 1, per second for rates; a plain count as it is."""
    text: str
    """Number and unit as written: `2%`, `500ms`."""


class Comparison(Frozen):
    """Two sides of one question: this window and an earlier one, or two names side by side."""

    kind: Literal["time", "service", "version", "environment", "endpoint"]
    range: TimeRange | None = None
    """The other window, for `time`; the plan's own range is the first side."""
    sides: tuple[str, ...] = ()
    """Both names, in the order of the text, for the other kinds."""


class Plan(Frozen):
    """One request. What the text and the conversation leave open is None or empty; nothing is made up.

    The telemetry intents use the fields up to `horizon_seconds`; the others keep what they need in `slots`.
    """

    intent: str
    service: str | None = None
    """None: all services."""
    metric: str | None = None
    """A concept (`latency`, `error_rate`, `cpu` …) or the metric's own name in the backend."""
    percentile: float | None = Field(default=None, gt=0, lt=1)
    aggregation: Aggregation | None = None
    range: TimeRange | None = None
    group_by: tuple[str, ...] = ()
    """Entity types, e.g. `service`, `status_code`, `endpoint`, `version`, `pod`."""
    top: int | None = Field(default=None, ge=1, le=1000)
    """So many groups, the highest first; with `lowest` the lowest."""
    lowest: bool = False
    threshold: Threshold | None = None
    comparison: Comparison | None = None
    per_seconds: float | None = Field(default=None, gt=0)
    """ "per minute" is 60: rates are told per so many seconds."""
    course: bool = False
    """The course over the window (a series) instead of one value for it."""
    environment: Environment | None = None
    version: str | None = None
    status_code: str | None = None
    endpoint: str | None = None
    namespace: str | None = None
    host: str | None = None
    pod: str | None = None
    log_level: LogLevel | None = None
    pattern: str | None = None
    trace_id: str | None = None
    horizon_seconds: float | None = Field(default=None, gt=0)
    """How far ahead a forecast looks."""
    slots: dict[str, str] = Field(default_factory=dict)
    """Canonical values of other entities by type: `workflow`, `incident_id`, `severity`, `quantity`, `person` …"""

    @property
    def request_metric(self) -> Metric | None:
        """The metric, where it is one of requests."""
        return next((metric for metric in get_args(Metric) if metric == self.metric), None)

    @property
    def plain(self) -> bool:
        """Whether it is no more than a metric of requests, of one service or of all: one that has a breakdown."""
        known = {"intent", "service", "metric", "percentile", "range", "slots"}
        asked = self.model_dump(exclude=known, exclude_defaults=True)
        return self.request_metric is not None and not asked and not self.slots.get("services")
