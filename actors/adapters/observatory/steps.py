"""How finely a time range is looked at."""

from __future__ import annotations

from schemas.plans import TimeRange

_LADDER = (15, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400)
USUAL_POINTS = 120
LEAST_WINDOW_SECONDS = 60
"""Of a rate: four scrapes of the usual 15 s, or one that is missed leaves nothing to compare."""


def step_of(seconds: float) -> int:
    """Whole seconds, a step people would choose, that give at most 120 points or so."""
    return next((step for step in _LADDER if seconds / step <= USUAL_POINTS), _LADDER[-1])


def window_of(step_seconds: int) -> int:
    """What is looked at for one point: everything since the last one."""
    return max(step_seconds, LEAST_WINDOW_SECONDS)


def points_of(over: TimeRange, step_seconds: int) -> TimeRange:
    """The instants of a course: each stands for the step before it, so the first is a step after the start."""
    first = min(over.start.timestamp() + step_seconds, over.end.timestamp())
    start = over.start.fromtimestamp(first, over.start.tzinfo)
    return over if start >= over.end else TimeRange(start=start, end=over.end)
