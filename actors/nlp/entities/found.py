"""What a text names, by kind. Every finding has its span in the text and its canonical value."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from actors.nlp.times import FoundTime, Window
from schemas.plans import Threshold

Kind = Literal[
    "service", "environment", "metric", "percentile", "aggregation", "time_range", "comparison", "threshold",
    "status_code", "endpoint", "severity", "log_level", "version", "namespace", "host", "pod", "incident_id",
    "workflow", "trace_id", "test_target", "language", "quantity", "person", "pattern",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """`start` to `end` is the span, `value` the canonical value of the design's table."""

    start: int
    end: int
    value: str


@dataclass(frozen=True, slots=True)
class FoundService(Named):
    """`names` are the catalogue's own: several mean that the text fits them equally well, none that it has none
    of that name. `written` is the name as the text has it, in lower case and without the words for "service"."""

    names: tuple[str, ...]
    written: str = ""


@dataclass(frozen=True, slots=True)
class FoundMetric(Named):
    """`stated`: the words name the metric; others only hint at it ("slow" at latency) and are no entity.
    `strong`: the words mean nothing else; weak ones ("errors", "traffic") need a question around them."""

    strong: bool
    stated: bool = True


@dataclass(frozen=True, slots=True)
class FoundPercentile(Named):
    ratio: float
    """0 to 1, both excluded."""


@dataclass(frozen=True, slots=True)
class FoundAggregation(Named):
    """`stated` is False for "how many", which asks for a count without the word."""

    stated: bool = True


@dataclass(frozen=True, slots=True)
class FoundComparison(Named):
    """The other window. `first` is the window on this side, where the words say it and no time does
    ("week over week": the past seven days)."""

    window: Window
    first: Window | None = None


@dataclass(frozen=True, slots=True)
class FoundThreshold(Named):
    """`threshold` in base units. `leads` is where the words of the operator begin ("above 2 %"); without such
    words ("the 500ms mark") the operator is the usual one, `>`, and `explicit` is False."""

    threshold: Threshold
    leads: int
    explicit: bool = True


@dataclass(frozen=True, slots=True)
class FoundQuantity(Named):
    """ "5 replicas", "by 2", "top 10". `amount` has its sign when `relative`; with `factor` it multiplies ("2x").
    `of` is the counted thing in the singular ("replica"), empty where none is named."""

    amount: float
    relative: bool = False
    factor: bool = False
    of: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Everything, each kind in the order of the text. Spans of different kinds do not overlap."""

    words: tuple[str, ...]
    """All words in lower case."""
    services: tuple[FoundService, ...] = ()
    metrics: tuple[FoundMetric, ...] = ()
    percentiles: tuple[FoundPercentile, ...] = ()
    aggregations: tuple[FoundAggregation, ...] = ()
    times: tuple[FoundTime, ...] = ()
    """Windows that have begun, cut at now."""
    horizons: tuple[FoundTime, ...] = ()
    """Windows that lie ahead: "next week", "in the next 24h", "by Friday". Entities of type time_range too."""
    comparisons: tuple[FoundComparison, ...] = ()
    thresholds: tuple[FoundThreshold, ...] = ()
    quantities: tuple[FoundQuantity, ...] = ()
    environments: tuple[Named, ...] = ()
    status_codes: tuple[Named, ...] = ()
    endpoints: tuple[Named, ...] = ()
    severities: tuple[Named, ...] = ()
    log_levels: tuple[Named, ...] = ()
    versions: tuple[Named, ...] = ()
    namespaces: tuple[Named, ...] = ()
    hosts: tuple[Named, ...] = ()
    pods: tuple[Named, ...] = ()
    incident_ids: tuple[Named, ...] = ()
    workflows: tuple[Named, ...] = ()
    trace_ids: tuple[Named, ...] = ()
    test_targets: tuple[Named, ...] = ()
    languages: tuple[Named, ...] = ()
    people: tuple[Named, ...] = ()
    patterns: tuple[Named, ...] = ()
    everything: bool = False
    """Says that all services are meant: "overall", "every service"."""

    @property
    def mentions(self) -> tuple[FoundService, ...]:
        """Names of services that the catalogue does not have."""
        return tuple(part for part in self.services if not part.names)

    @property
    def names_service(self) -> bool:
        return bool(self.services)

    @property
    def measures(self) -> bool:
        return bool(self.metrics or self.percentiles)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Of all findings, in no order."""
        return tuple(
            (part.start, part.end)
            for field in fields(self)
            if field.name not in ("words", "everything")
            for part in getattr(self, field.name)
        )
