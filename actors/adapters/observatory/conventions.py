"""The table of `conventions.toml`, read and checked: concepts, roles of labels, and signals in order."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import promql_parser
from pydantic import BaseModel, ConfigDict, model_validator

from actors.adapters.observatory.promql import Matcher, Operator, Selector, label_name, metric_name

Kind = Literal["counter", "gauge", "histogram", "changes"]
Over = Literal["sum", "avg", "max", "min"]
Roles = Mapping[str, tuple[str, ...]]
"""Kind of entity -> labels that may hold it, in order."""

UP = "up"
TABLE = Path(__file__).with_name("conventions.toml")
_OPERATORS: dict[str, Operator] = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


@dataclass(frozen=True, slots=True)
class Concept:
    """`total`: a counter's increase over the window, not its rate. `worst`: the fullest of these concepts.
    `limited`: as a ratio it cannot pass 1."""

    name: str
    unit: str
    words: str
    total: bool = False
    worst: tuple[str, ...] = ()
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Signal:
    """How a concept is worked out from metrics. `metric` of a histogram has no suffix yet."""

    concept: Concept
    convention: str
    kind: Kind
    metric: Selector
    unit: str
    part: tuple[Matcher, ...] = ()
    failed: str | None = None
    """A regular expression of statuses."""
    of: tuple[Selector, ...] = ()
    less: Selector | None = None
    complement: bool = False
    scale: float = 1.0
    over: Over = "sum"
    labels: Roles = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def share(self) -> bool:
        """Whether it is a part of the very metric: the failed ones of all requests."""
        return self.failed is not None or bool(self.part)

    @property
    def main(self) -> str:
        """The metric whose labels and series decide."""
        return f"{self.metric.metric}_count" if self.kind == "histogram" else self.metric.metric

    @property
    def others(self) -> tuple[Selector, ...]:
        """What it is divided by, and what is subtracted."""
        return (*self.of, *((self.less,) if self.less else ()))

    @property
    def needs(self) -> frozenset[str]:
        """Every metric without which it says nothing."""
        return frozenset({self.main, *(other.metric for other in self.others)})


@dataclass(frozen=True, slots=True)
class Conventions:
    """`infos`: metrics whose value is 1, with labels that others lack."""

    concepts: Mapping[str, Concept]
    roles: Roles
    infos: tuple[str, ...]
    signals: tuple[Signal, ...]

    def of(self, concept: str) -> tuple[Signal, ...]:
        """The signals of a concept, in the order in which they are tried."""
        return tuple(signal for signal in self.signals if signal.concept.name == concept)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Concept(_Row):
    unit: str
    words: str
    total: bool = False
    worst: tuple[str, ...] = ()
    limited: bool = False


class _Signal(_Row):
    concept: str
    counter: str | None = None
    gauge: str | None = None
    histogram: str | None = None
    changes: str | None = None
    failed: str | None = None
    part: str | None = None
    of: tuple[str, ...] = ()
    less: str | None = None
    complement: bool = False
    scale: float = 1.0
    over: Over = "sum"
    unit: str | None = None
    labels: dict[str, tuple[str, ...]] = {}

    @model_validator(mode="after")
    def _one_metric(self) -> _Signal:
        if len([one for one in (self.counter, self.gauge, self.histogram, self.changes) if one]) != 1:
            raise ValueError("a signal has one of counter, gauge, histogram and changes")
        return self

    @property
    def metric(self) -> tuple[Kind, str]:
        if self.counter:
            return "counter", self.counter
        if self.gauge:
            return "gauge", self.gauge
        return ("histogram", self.histogram) if self.histogram else ("changes", self.changes or "")


class _Convention(_Row):
    name: str
    labels: dict[str, tuple[str, ...]] = {}
    signals: tuple[_Signal, ...]


class _Table(_Row):
    concepts: dict[str, _Concept]
    roles: dict[str, tuple[str, ...]]
    infos: tuple[str, ...]
    convention: tuple[_Convention, ...]


def load(path: Path = TABLE) -> Conventions:
    """Raises ValueError (pydantic's included) naming what cannot be read, InvalidInput for what is no selector."""
    table = _Table.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    concepts = {name: Concept(name, **row.model_dump()) for name, row in table.concepts.items()}
    signals = tuple(_signal(row, one, concepts) for one in table.convention for row in one.signals)
    return Conventions(concepts, _checked(table.roles), table.infos, signals)


def selector(text: str) -> Selector:
    """A metric with matchers, as PromQL writes it. Raises ValueError where it is something else."""
    tree: Any = promql_parser.parse(text)
    if not isinstance(tree, promql_parser.VectorSelector):
        raise ValueError(f"{text!r} is no selector")
    matchers = tuple(
        Matcher(one.name, _OPERATORS[str(one.op).rpartition(".")[2]], one.value) for one in tree.matchers.matchers
    )
    return Selector(metric_name(tree.name or ""), matchers)


def _signal(row: _Signal, convention: _Convention, concepts: Mapping[str, Concept]) -> Signal:
    concept = concepts[row.concept]
    kind, metric = row.metric
    relative = bool(row.of or row.part or row.failed or row.complement)
    return Signal(
        concept=concept,
        convention=convention.name,
        kind=kind,
        metric=selector(metric),
        unit=row.unit or ("ratio" if relative else concept.unit),
        part=selector(UP + row.part).matchers if row.part else (),
        failed=row.failed,
        of=tuple(selector(one) for one in row.of),
        less=selector(row.less) if row.less else None,
        complement=row.complement,
        scale=row.scale,
        over=row.over,
        labels=_checked({**convention.labels, **row.labels}),
    )


def _checked(roles: Roles) -> Roles:
    for labels in roles.values():
        for label in labels:
            label_name(label)
    return dict(roles)


CONVENTIONS = load()
