"""A selector over a span of time, as a vector: counted or levelled, by the labels it has or by those of an info
metric beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actors.adapters.observatory.expressions import (
    Counting,
    Expression,
    Levelling,
    Span,
    aggregate,
    both,
    counted,
    joined,
    latest,
    levelled,
    over_time,
    plain,
)
from actors.adapters.observatory.promql import Matcher, Selector
from actors.adapters.observatory.steps import LEAST_WINDOW_SECONDS, step_of, window_of


@dataclass(frozen=True, slots=True)
class Join:
    """`info` has the value 1 and, beside the labels `on`, those that are brought to a metric's series.

    A series that has ended is seen for minutes after: of several with the same `on` only the latest holds.
    `filters` are on what is brought, and chosen by afterwards.
    """

    info: Selector
    on: tuple[str, ...]
    bringing: tuple[str, ...]
    filters: tuple[Matcher, ...] = ()

    def of(self, vector: Expression, at: Span | None = None) -> Expression:
        """`vector` at the instants at which the info holds; `at` moves them where the vector's are moved."""
        holds = latest(plain(self.info, at), self.on)
        chosen = both(holds, plain(self.info.where(*self.filters), at)) if self.filters else holds
        return joined(vector, aggregate("max", chosen, (*self.on, *self.bringing)), self.on, self.bringing)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Without a join Prometheus' own functions. With one, what holds may change within the span: then it is looked
    at step by step, each step counted for what held at its end."""

    join: Join | None = None

    def counted(self, function: Counting, of: Selector, over: Span) -> Expression:
        if self.join is None:
            return counted(function, of, over)
        step = window_of(step_of(over.seconds))
        if over.seconds <= step:
            return self.join.of(counted(function, of, over), over)
        each = self.join.of(counted(function, of, Span(step)))
        return _stepwise("avg" if function == "rate" else "sum", each, over, step)

    def levelled(self, function: Levelling, of: Selector, over: Span) -> Expression:
        if self.join is None:
            return levelled(function, of, over)
        step = max(step_of(over.seconds), LEAST_WINDOW_SECONDS)
        if over.seconds <= step:
            return self.join.of(levelled(function, of, over), over)
        return _stepwise(function, self.join.of(plain(of)), over, step)


def _stepwise(function: Levelling, each: Expression, over: Span, step: int) -> Expression:
    """The first step ends one step after the span's beginning."""
    return over_time(function, each, Span(over.seconds - step, over.offset_seconds, over.at_end), step)


def by_labels(labels: Sequence[str], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*labels, *more)))
