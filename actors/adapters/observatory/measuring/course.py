"""The course over the window: a value a step, and what the series looks like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from actors.adapters.observatory.asking import Ask, Found
from actors.adapters.observatory.expressions import Expression, Span, aggregate, only_those_in, ranked
from actors.adapters.observatory.measuring.lines import trend
from actors.adapters.observatory.measuring.nothing import nothing
from actors.adapters.observatory.measuring.subject import OneRound, Subject, spoken
from actors.adapters.observatory.promql import Query
from actors.adapters.observatory.questions import Question
from actors.adapters.observatory.steps import LEAST_WINDOW_SECONDS, points_of, step_of, window_of
from schemas.measures import Course, Figure, MeasuredSeries
from schemas.plans import TimeRange

MOST_COURSES = 10
"""Without a number in the plan: more lines than these nobody reads."""


@dataclass(frozen=True, slots=True)
class CourseShape(OneRound):
    subject: Subject

    @property
    def asks(self) -> tuple[Ask, ...]:
        subject, over, step = self.subject, self.subject.over, self.step
        asks = [course_ask(subject, self._kept(step), step, over, *self._words)]
        if subject.threshold is not None:
            compared = subject.compared(self._kept(step))
            asks.insert(0, course_ask(subject, compared, step, over, *self._words, *subject.threshold_words))
        if subject.reckoning.by:
            count = Query.of(aggregate("count", subject.reckoning.over(subject.span)))
            asks.append(Ask(Question("groups", "groups", count, (), "how many groups have data"), over))
        return tuple(asks)

    def figure(self, found: tuple[Found, ...]) -> Figure:
        subject = self.subject
        compared = found[0] if subject.threshold is not None else None
        plain = found[1] if compared else found[0]
        courses = courses_of(subject, plain, self.step)
        if not courses:
            return nothing(subject, plain)
        grouped = bool(subject.reckoning.by)
        return MeasuredSeries(
            by=tuple(role for role, _ in subject.reckoning.by),
            step_seconds=self.step,
            courses=courses,
            measured=round(found[-1].value() or len(courses)) if grouped else len(courses),
        )

    @property
    def step(self) -> int:
        return step_for(self.subject)

    @property
    def _words(self) -> tuple[str, ...]:
        if not self.subject.reckoning.by:
            return ()
        which = "lowest" if self.subject.plan.lowest else "highest"
        return (f"of the {self._most} {which} groups over {spoken(self.subject.span.seconds)}",)

    @property
    def _most(self) -> int:
        return self.subject.plan.top or MOST_COURSES

    def _kept(self, step: int) -> Expression:
        """Chosen once, by the whole window: at each step for itself there would be other groups each time."""
        subject, reckoning = self.subject, self.subject.reckoning
        each = reckoning.each(Span(window_of(step) if reckoning.counts else step))
        if not reckoning.by:
            return each
        whole = reckoning.over(Span(subject.span.seconds, at_end=True))
        chosen = ranked(self._most, whole, lowest=subject.plan.lowest)
        return only_those_in(each, chosen, reckoning.labels)


def step_for(subject: Subject) -> int:
    """Seconds. What is counted needs several scrapes a step."""
    step = step_of(subject.span.seconds)
    return max(step, LEAST_WINDOW_SECONDS) if subject.reckoning.counts else step


def course_ask(subject: Subject, expression: Expression, step: int, over: TimeRange, *words: str) -> Ask:
    question = subject.question(expression, f"a value every {spoken(step)}", *words)
    return Ask(question, points_of(over, step), step, looked_at=over)


def courses_of(subject: Subject, found: Found, step: int) -> tuple[Course, ...]:
    """Those with a value at all, the highest mean first (with the plan's `lowest` the lowest)."""
    described = [
        course
        for series in found.reading.series
        if (course := describe(subject, subject.roles(series.labels), series.points, step)) is not None
    ]
    return tuple(sorted(described, key=lambda course: course.mean if subject.plan.lowest else -course.mean))


def describe(
    subject: Subject, labels: dict[str, str], points: Sequence[tuple[float, float | None]], step: int
) -> Course | None:
    known = [(time, value) for time, value in points if value is not None]
    if not known:
        return None
    peak, lowest = max(known, key=lambda point: point[1]), min(known, key=lambda point: point[1])
    return Course(
        labels=labels,
        points=tuple(points),
        mean=math.fsum(value for _, value in known) / len(known),
        first=known[0][1],
        last=known[-1][1],
        peak=peak[1],
        peak_at=_instant(peak[0]),
        lowest=lowest[1],
        lowest_at=_instant(lowest[0]),
        trend=trend(known),
        met=_met(subject, points, step),
    )


def _met(subject: Subject, points: Sequence[tuple[float, float | None]], step: int) -> tuple[TimeRange, ...]:
    """Neighbouring steps for which the threshold holds are one time."""
    times: list[list[float]] = []
    for time, value in points:
        if value is None or not subject.holds(value):
            continue
        if times and time - step <= times[-1][1]:
            times[-1][1] = time
        else:
            times.append([time - step, time])
    return tuple(TimeRange(start=_instant(start), end=_instant(end)) for start, end in times)


def _instant(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)
