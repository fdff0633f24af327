"""A straight line through the window, carried on: its value, how sure that is, when it reaches the limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from actors.adapters.observatory.asking import Ask, Found
from actors.adapters.observatory.expressions import Expression, Span, over_time, predicted, times
from actors.adapters.observatory.measuring.course import course_ask, step_for
from actors.adapters.observatory.measuring.lines import (
    LEAST_POINTS,
    Line,
    Points,
    fit,
    flat,
    since_last_fall,
    trend,
)
from actors.adapters.observatory.measuring.nothing import nothing
from actors.adapters.observatory.measuring.subject import Subject, spoken
from actors.adapters.observatory.steps import window_of
from schemas.measures import Figure, MeasuredForecast, NotMeasured
from schemas.plans import TimeRange

DAY = 86_400
FURTHEST = 30
"""Times the fitted range: beyond it a line says nothing about when a limit is reached."""


@dataclass(frozen=True, slots=True)
class ForecastShape:
    """`limit` in the figure's unit, None where none is known. `sums_up`: the figure is a rate per second, and what
    is asked for is its sum over the horizon."""

    subject: Subject
    horizon_seconds: int
    limit: float | None
    sums_up: bool = False
    unit: str | None = None

    @property
    def asks(self) -> tuple[Ask, ...]:
        return (course_ask(self.subject, self._each, self._step, self.subject.over),)

    @property
    def planned(self) -> tuple[Ask, ...]:
        """As if the line went through all of the window."""
        return (self._prediction(self.subject.span.seconds), *self.asks)

    def then(self, found: tuple[Found, ...]) -> tuple[Ask, ...]:
        """The backend's own reckoning, of the part that the line goes through, or of the mean."""
        fitted, line = _fitted(_points(found[0]))
        if line is None:
            return ()
        seconds = math.ceil(self.subject.over.end.timestamp() - fitted[0][0]) + self._step
        return (self._prediction(seconds) if line.slope else self._mean(seconds),)

    def figure(self, found: tuple[Found, ...]) -> Figure:
        points = _points(found[0])
        if not points:
            return nothing(self.subject, found[0])
        fitted, line = _fitted(points)
        if line is None:
            return NotMeasured(
                reason="too_few", detail=f"{len(points)} points are too few for a line: at least {LEAST_POINTS}"
            )
        return self._forecast(line, fitted, points)

    # --- queries -----------------------------------------------------------------------------------

    @property
    def _step(self) -> int:
        return step_for(self.subject)

    @property
    def _each(self) -> Expression:
        reckoning = self.subject.reckoning
        return reckoning.each(Span(window_of(self._step) if reckoning.counts else self._step))

    def _prediction(self, seconds: int) -> Ask:
        """Of what sums up, the mean rate is that of the horizon's middle."""
        ahead = self.horizon_seconds // 2 if self.sums_up else self.horizon_seconds
        line = predicted(self._each, Span(max(seconds - self._step, 1)), self._step, ahead)
        return self._asked(line, f"carried on as a line through the last {spoken(seconds)}")

    def _mean(self, seconds: int) -> Ask:
        """Where there is no clear slope to carry on."""
        mean = over_time("avg", self._each, Span(max(seconds - self._step, 1)), self._step)
        return self._asked(mean, f"as it was on average over the last {spoken(seconds)}")

    def _asked(self, of: Expression, words: str) -> Ask:
        value = times(self.horizon_seconds, of) if self.sums_up else of
        ahead = f"{spoken(self.horizon_seconds)} ahead"
        question = self.subject.question(value, words, ahead, name=f"{self.subject.reckoning.name}_forecast")
        return Ask(question, self.subject.over)

    # --- the line ----------------------------------------------------------------------------------

    def _forecast(self, line: Line, fitted: Points, points: Points) -> MeasuredForecast:
        end = self.subject.over.end.timestamp()
        low, value, high = self._summed(line, end) if self.sums_up else _single(line, end + self.horizon_seconds)
        direction = trend(fitted)
        reached, earliest = self._reached(line, end, direction)
        mean = math.fsum(value for _, value in points) / len(points)
        return MeasuredForecast(
            now=mean * self.subject.over.seconds if self.sums_up else points[-1][1],
            horizon_seconds=self.horizon_seconds,
            value=value,
            low=low,
            high=high,
            sums_up=self.sums_up,
            slope_per_day=line.slope * DAY,
            trend=direction,
            fell_back=len(fitted) < len(points),
            fitted=TimeRange(start=_instant(fitted[0][0] - self._step), end=self.subject.over.end),
            limit=self.limit,
            limit_at=reached,
            limit_earliest=earliest,
        )

    def _summed(self, line: Line, end: float) -> tuple[float, float, float]:
        middle = end + self.horizon_seconds // 2
        steps = max(1, round(self.horizon_seconds / self._step))
        margin = line.margin(middle, steps)
        rates = (line.at(middle) - margin, line.at(middle), line.at(middle) + margin)
        return rates[0] * self.horizon_seconds, rates[1] * self.horizon_seconds, rates[2] * self.horizon_seconds

    def _reached(self, line: Line, end: float, direction: str) -> tuple[datetime | None, datetime | None]:
        """When line and interval reach the limit. Without a clear direction there is no such time."""
        if self.limit is None or self.sums_up or direction not in ("rising", "falling"):
            return None, None
        ahead = self.limit - line.at(end)
        if ahead * line.slope <= 0:  # it is past the limit, or moves away from it
            now = self.subject.over.end
            return (now, now) if (ahead <= 0) == (line.slope > 0) else (None, None)
        reached = end + ahead / line.slope
        furthest = end + FURTHEST * self.subject.over.seconds
        if reached > furthest:
            return None, None
        return _instant(reached), _instant(_earliest(line, self.limit, end, reached))


def _fitted(points: Points) -> tuple[Points, Line | None]:
    """The part that the line goes through, and the line: level where the slope is not clear."""
    fitted = since_last_fall(points)
    line = fit(fitted)
    return fitted, line if line is None or line.clear else flat(fitted)


def _single(line: Line, time: float) -> tuple[float, float, float]:
    margin = line.margin(time)
    return line.at(time) - margin, line.at(time), line.at(time) + margin


def _earliest(line: Line, limit: float, end: float, reached: float) -> float:
    """When the nearer end of the interval reaches the limit, found by halving to the second."""
    towards = 1.0 if line.slope > 0 else -1.0
    before, after = end, reached
    while after - before > 1.0:
        middle = (before + after) / 2
        if towards * (line.at(middle) + towards * line.margin(middle) - limit) >= 0:
            after = middle
        else:
            before = middle
    return after


def _points(found: Found) -> Points:
    """Of the one series that an ungrouped question has."""
    series = found.reading.series
    return [(time, value) for time, value in series[0].points if value is not None] if series else []


def _instant(time: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time)
