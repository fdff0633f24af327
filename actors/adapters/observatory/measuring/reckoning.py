"""A figure that can be asked for over any span of time: of one source, of the fullest of several, of a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from actors.adapters.observatory.expressions import (
    Expression,
    Span,
    aggregate,
    any_of,
    complement,
    tagged,
    times,
)
from actors.adapters.observatory.formula import Formula
from actors.adapters.observatory.measuring.modes import explained, name_of, unit_of, words_of

RESOURCE = "resource"
"""The label that tells the parts of a saturation apart."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """`by`: (kind of entity, label) of the groups. `over` is the figure for a span; `each` the one of a single
    step of a course, where a peak over steps would make no sense."""

    name: str
    words: str
    unit: str
    explanation: str
    by: tuple[tuple[str, str], ...]
    over: Callable[[Span], Expression]
    each: Callable[[Span], Expression]
    metrics: tuple[str, ...]
    counts: bool
    """Whether counters are in it: then a point needs several scrapes."""
    per_seconds: float = 1.0
    formula: Formula | None = None
    parts: tuple[Reckoning, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(label for _, label in self.by)

    @property
    def adds_up(self) -> bool:
        """Whether it is an amount of the window, which a longer one makes larger."""
        return self.formula is not None and self.formula.mode == "total"


def of_formula(formula: Formula) -> Reckoning:
    source = formula.source
    signal = source.signal
    named = (
        signal.metric.metric,
        *(one.metric for one in signal.others),
        *((source.join.info.metric,) if source.join else ()),
    )
    return Reckoning(
        name=name_of(formula),
        words=words_of(formula),
        unit=unit_of(formula),
        explanation=explained(formula),
        by=source.by,
        over=formula.over,
        each=replace(formula, peak=None).over,
        metrics=tuple(dict.fromkeys(named)),
        counts=signal.kind != "gauge",
        per_seconds=formula.per_seconds if formula.mode == "rate" else 1.0,
        formula=formula,
    )


def worst_of(name: str, words: str, parts: Sequence[tuple[str, Reckoning]]) -> Reckoning:
    """The highest of several ratios that are grouped alike; each part is named."""
    first = parts[0][1]

    def over(span: Span) -> Expression:
        return aggregate(
            "max", any_of([tagged(part.over(span), RESOURCE, of) for of, part in parts]), first.labels
        )

    def each(span: Span) -> Expression:
        return aggregate(
            "max", any_of([tagged(part.each(span), RESOURCE, of) for of, part in parts]), first.labels
        )

    return Reckoning(
        name=name,
        words=words,
        unit=first.unit,
        explanation=f"the highest of: {'; '.join(part.explanation for _, part in parts)}",
        by=first.by,
        over=over,
        each=each,
        metrics=tuple(dict.fromkeys(metric for _, part in parts for metric in part.metrics)),
        counts=any(part.counts for _, part in parts),
        parts=tuple(replace(part, name=of) for of, part in parts),
    )


def burn_rate(name: str, words: str, ratio: Reckoning, budget: float) -> Reckoning:
    """How many times faster than allowed the error budget, a ratio of requests, is used."""

    def burnt(of: Expression) -> Expression:
        return times(1 / budget, of)

    words_of_it = f"{ratio.explanation}, divided by the error budget of {budget:g}"
    return _changed(replace(ratio, name=name, words=words, unit="times", explanation=words_of_it), burnt)


def budget_left(name: str, words: str, ratio: Reckoning, budget: float) -> Reckoning:
    """What would be left of the error budget if the span were its whole window."""
    burnt = burn_rate(name, words, ratio, budget)
    return _changed(replace(burnt, unit="ratio", explanation=f"one less {burnt.explanation}"), complement)


def _changed(reckoning: Reckoning, change: Callable[[Expression], Expression]) -> Reckoning:
    def over(span: Span) -> Expression:
        return change(reckoning.over(span))

    def each(span: Span) -> Expression:
        return change(reckoning.each(span))

    return replace(reckoning, over=over, each=each, formula=None)
