"""An objective: what is left of the error budget, and how fast it burns over several windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actors.adapters.observatory.asking import Ask, Found
from actors.adapters.observatory.expressions import Span, aggregate, levelled, over_time
from actors.adapters.observatory.measuring.nothing import nothing
from actors.adapters.observatory.measuring.reckoning import Reckoning, budget_left, burn_rate
from actors.adapters.observatory.measuring.subject import OneRound, Subject, spoken
from actors.adapters.observatory.promql import Query
from actors.adapters.observatory.questions import Question
from actors.adapters.observatory.sources import Source
from schemas.measures import Burn, Detail, Figure, MeasuredBudget

HOUR, DAY = 3_600, 86_400


@dataclass(frozen=True, slots=True)
class Alert:
    """Both windows must burn faster than what uses `share` of the budget within the long one.

    The pairs and shares are those of Google's Site Reliability Workbook, chapter 5, table 5-8.
    """

    short_seconds: int
    long_seconds: int
    share: float

    def rate(self, window_seconds: int) -> float:
        """For 30 days the well-known 14.4, 6 and 1."""
        return self.share * window_seconds / self.long_seconds

    @property
    def name(self) -> str:
        return f"{spoken(self.short_seconds)}/{spoken(self.long_seconds)}".replace(" ", "")


ALERTS = (Alert(300, HOUR, 0.02), Alert(1_800, 6 * HOUR, 0.05), Alert(6 * HOUR, 3 * DAY, 0.1))
RECENT = HOUR
"""The window whose rate tells when nothing will be left."""


@dataclass(frozen=True, slots=True)
class BudgetShape(OneRound):
    """`subject.reckoning` is the error ratio and `subject.over` the objective's window; `beside` are further
    objectives as they stand now, each with its target. `source` is that of the error ratio."""

    subject: Subject
    source: Source
    beside: tuple[tuple[Reckoning, float], ...] = ()

    @property
    def asks(self) -> tuple[Ask, ...]:
        subject, ratio = self.subject, self.subject.reckoning
        left = budget_left("error_budget", "error budget", ratio, self._budget)
        questions = [
            self._asked(left, subject.span.seconds),
            subject.question(ratio.over(subject.span)),
            self._covered(),
            *(self._asked(self._burn, seconds) for seconds in self._windows),
            *(self._asked(one, HOUR) for one, _ in self.beside),
        ]
        return tuple(Ask(question, subject.over) for question in questions)

    def figure(self, found: tuple[Found, ...]) -> Figure:
        left, ratio, covered = (one.value() for one in found[:3])
        if left is None or ratio is None:
            return nothing(self.subject, found[0])
        known = min(round(covered or 0) * HOUR, self._window)
        burns = tuple(
            # What the backend has not kept cannot be told: a longer window would repeat the rate of a shorter.
            Burn(window_seconds=seconds, rate=one.value() if seconds <= known else None)
            for seconds, one in zip(self._windows, found[3:], strict=False)
        )
        return MeasuredBudget(
            objective=1 - self._budget,
            window_seconds=self._window,
            covered_seconds=known,
            error_ratio=ratio,
            left=left,
            burns=burns,
            alerts=self._alerts(burns),
            gone_in_seconds=self._gone_in(left, burns),
            details=self._details(found[3 + len(burns) :]),
        )

    @property
    def _budget(self) -> float:
        return self.subject.slo.error_rate

    @property
    def _window(self) -> int:
        return self.subject.span.seconds

    @property
    def _burn(self) -> Reckoning:
        return burn_rate("burn_rate", "burn rate", self.subject.reckoning, self._budget)

    @property
    def _windows(self) -> tuple[int, ...]:
        pairs = [(alert.short_seconds, alert.long_seconds) for alert in self._alerts_within]
        return tuple(sorted({seconds for pair in pairs for seconds in pair}))

    @property
    def _alerts_within(self) -> tuple[Alert, ...]:
        return tuple(alert for alert in ALERTS if alert.long_seconds <= self._window)

    def _asked(self, reckoning: Reckoning, seconds: int) -> Question:
        words = f"{reckoning.explanation}{self.subject.scope.words()}, over {spoken(seconds)}"
        query = Query.of(reckoning.over(Span(seconds)))
        return Question(f"{reckoning.name}_{spoken(seconds).replace(' ', '')}", reckoning.unit, query, (), words)

    def _covered(self) -> Question:
        """In how many hours of the window there is something: a backend may keep less than its length."""
        hourly = aggregate("count", levelled("last", self.source.main(), Span(HOUR)))
        count = over_time("count", hourly, Span(max(self._window - HOUR, HOUR)), HOUR)
        return Question("hours_with_data", "hours", Query.of(count), (), "how many hours of the window have data")

    def _alerts(self, burns: Sequence[Burn]) -> tuple[str, ...]:
        rates = {burn.window_seconds: burn.rate for burn in burns}
        return tuple(
            alert.name
            for alert in self._alerts_within
            if all(
                (rates.get(seconds) or 0.0) > alert.rate(self._window)
                for seconds in (alert.short_seconds, alert.long_seconds)
            )
        )

    def _gone_in(self, left: float, burns: Sequence[Burn]) -> float | None:
        """In the time of the window a rate of 1 uses the whole budget."""
        rate = next((burn.rate for burn in burns if burn.window_seconds == RECENT), None)
        if not rate or rate <= 1 or left <= 0:
            return None
        return left * self._window / rate

    def _details(self, found: Sequence[Found]) -> tuple[Detail, ...]:
        details: list[Detail] = []
        for one, (reckoning, target) in zip(found, self.beside, strict=True):
            details.append(Detail(name=reckoning.name, value=one.value(), unit=reckoning.unit))
            details.append(Detail(name=f"{reckoning.name}_target", value=target, unit=reckoning.unit))
        return tuple(details)
