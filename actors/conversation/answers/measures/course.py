"""A series in words: the trend, the peak and when, and when it was beyond a threshold."""

from __future__ import annotations

from dataclasses import dataclass

from actors.conversation.answers.measures.telling import Telling, kinds, label
from actors.conversation.answers.names import listed
from actors.conversation.answers.templates import render
from actors.conversation.answers.windows import between, length
from schemas.measures import Course, MeasuredSeries

TIMES = 5
"""Times beyond a threshold that are listed."""


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    mean: str
    first: str
    last: str
    peak: str
    peak_at: str
    lowest: str
    lowest_at: str
    trend: str
    met: str
    met_for: str


def course_answer(telling: Telling, figure: MeasuredSeries) -> str:
    lines = tuple(_line(telling, course) for course in figure.courses)
    return render(
        "measured_course" if len(lines) == 1 and not figure.by else "measured_courses",
        t=telling,
        by=kinds(figure.by),
        lines=lines,
        measured=figure.measured,
        which="lowest" if telling.plan.lowest else "highest",
        step=length(figure.step_seconds),
    )


def _line(telling: Telling, course: Course) -> Line:
    met = [between(one, telling.as_of, telling.timezone) for one in course.met]
    more = f" and {len(met) - TIMES} more times" if len(met) > TIMES else ""
    return Line(
        name=label(course.labels),
        mean=telling.value(course.mean),
        first=telling.value(course.first),
        last=telling.value(course.last),
        peak=telling.value(course.peak),
        peak_at=telling.at(course.peak_at),
        lowest=telling.value(course.lowest),
        lowest_at=telling.at(course.lowest_at),
        trend=course.trend,
        met=f"{', '.join(met[:TIMES])}{more}" if more else listed(met),
        met_for=length(sum(one.seconds for one in course.met)) if met else "",
    )
