"""What a shape works on: the plan, the figure it asks for, and the queries that follow from both."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from actors.adapters.observatory.asking import Ask, Found
from actors.adapters.observatory.expressions import Expression, Span, compared
from actors.adapters.observatory.measuring.reckoning import Reckoning
from actors.adapters.observatory.promql import Query, window_seconds
from actors.adapters.observatory.questions import Question
from actors.adapters.observatory.scope import Scope
from actors.platform.config import SloSettings
from schemas.measures import Figure
from schemas.plans import Operator, Plan, Threshold, TimeRange


@dataclass(frozen=True, slots=True)
class Subject:
    """`over` is the plan's window; a plan without one has been given the usual one."""

    plan: Plan
    over: TimeRange
    scope: Scope
    reckoning: Reckoning
    slo: SloSettings

    @property
    def span(self) -> Span:
        """Raises InvalidInput above 30 days."""
        return Span(window_seconds(self.over))

    @property
    def threshold(self) -> Threshold | None:
        return self.plan.threshold

    def compared(self, expression: Expression) -> Expression:
        """With the plan's threshold, where it has one."""
        if self.threshold is None:
            return expression
        return compared(expression, self.threshold.operator, self.limit)

    @property
    def limit(self) -> float:
        """The threshold in the figure's unit, where there is one. Plans give rates per second; a number without a
        unit is of the figure as it is told."""
        if self.threshold is None:
            return 0.0
        of_a_rate = self.plan.per_seconds is not None and _RATE.search(self.threshold.text)
        return self.threshold.value * (self.reckoning.per_seconds if of_a_rate else 1.0)

    def holds(self, value: float) -> bool:
        """Whether the threshold holds for the value."""
        return self.threshold is not None and _HOLDS[self.threshold.operator](value, self.limit)

    def question(self, expression: Expression, *more: str, name: str | None = None) -> Question:
        """`more` is added to the words of what it computes."""
        reckoning = self.reckoning
        words = "; ".join(
            (f"{reckoning.explanation}{self.scope.words()}, over {spoken(self.span.seconds)}", *more)
        )
        return Question(name or reckoning.name, reckoning.unit, Query.of(expression), reckoning.labels, words)

    @property
    def threshold_words(self) -> tuple[str, ...]:
        if self.threshold is None:
            return ()
        return (f"kept only where it is {self.threshold.operator} {self.threshold.text}",)

    def roles(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Labels of a sample, by kind of entity."""
        return {role: labels.get(label, "") for role, label in self.reckoning.by}


class Shape(Protocol):
    """A kind of answer."""

    @property
    def asks(self) -> tuple[Ask, ...]:
        """Raises InvalidInput for what passes a limit."""
        ...

    @property
    def planned(self) -> tuple[Ask, ...]:
        """As far as the plan alone tells what will be asked, the figure's own first."""
        ...

    def then(self, found: tuple[Found, ...]) -> tuple[Ask, ...]:
        """What the first answers make of the figure's own question, where that is not among them."""
        ...

    def figure(self, found: tuple[Found, ...]) -> Figure:
        """From the answers, in the order of `asks` and of what came then."""
        ...


class OneRound:
    """A shape that asks everything at once."""

    __slots__ = ()

    @property
    def asks(self) -> tuple[Ask, ...]:
        raise NotImplementedError

    @property
    def planned(self) -> tuple[Ask, ...]:
        return self.asks

    def then(self, found: tuple[Found, ...]) -> tuple[Ask, ...]:
        return ()


_RATE = re.compile(r"/|\bper\b|[rqt]p[smh]\b|\ban? (?:second|minute|hour|day)\b", re.IGNORECASE)
_HOLDS: dict[Operator, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


def spoken(seconds: float) -> str:
    """ "90 min", "24 h", "7 d": the largest unit that comes out whole."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0 and not (unit == "d" and seconds < 2 * size):
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:g} s"
