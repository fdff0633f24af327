"""Straight lines through the points of a series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist, linear_regression, median
from typing import Literal

Trend = Literal["rising", "falling", "steady", "unclear"]
Points = Sequence[tuple[float, float]]
LEAST_POINTS = 5
STEADY_SHARE = 0.05
"""A line that moves by less than this share of the mean over the whole time is steady."""
CLEAR_R_SQUARED = 0.3
"""Below it the points scatter too widely for a direction."""
USUAL_MOVES = 8
"""A fall is none of the usual ups and downs when it is so many times their median."""
CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)


@dataclass(frozen=True, slots=True)
class Line:
    """value = intercept + slope * seconds since `origin`; `scatter` is the standard error around it."""

    origin: float
    intercept: float
    slope: float
    scatter: float
    r_squared: float
    count: int
    middle: float
    spread: float
    """Sum of the squared distances of the times from their middle."""

    @property
    def clear(self) -> bool:
        """Whether the slope is more than what the scatter alone may make of none, at 95 %."""
        error = self.scatter / math.sqrt(self.spread) if self.spread else 0.0
        return abs(self.slope) > student(self.count - 2) * error

    def at(self, time: float) -> float:
        return self.intercept + self.slope * (time - self.origin)

    def margin(self, time: float, values: int = 1) -> float:
        """Half the width of the interval in which 95 % of single values lie at that time, or of the means of so
        many values around it: the prediction interval of simple linear regression."""
        away = (time - self.origin - self.middle) ** 2 / self.spread if self.spread else 0.0
        return student(self.count - 2) * self.scatter * math.sqrt(1 / values + 1 / self.count + away)


def fit(points: Points) -> Line | None:
    """Least squares; None for fewer than five points, or all at one time."""
    if len(points) < LEAST_POINTS or points[0][0] == points[-1][0]:
        return None
    origin = points[0][0]
    times = [time - origin for time, _ in points]
    values = [value for _, value in points]
    slope, intercept = linear_regression(times, values)
    middle, mean = math.fsum(times) / len(times), math.fsum(values) / len(values)
    left = math.fsum((value - intercept - slope * time) ** 2 for time, value in zip(times, values, strict=True))
    total = math.fsum((value - mean) ** 2 for value in values)
    return Line(
        origin=origin,
        intercept=intercept,
        slope=slope,
        scatter=math.sqrt(left / (len(points) - 2)),
        r_squared=1 - left / total if total > 0 else 1.0,
        count=len(points),
        middle=middle,
        spread=math.fsum((time - middle) ** 2 for time in times),
    )


def flat(points: Points) -> Line:
    """The line through points that have no clear slope: their mean."""
    values = [value for _, value in points]
    mean = math.fsum(values) / len(values)
    scatter = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / max(len(values) - 1, 1))
    return Line(points[0][0], mean, 0.0, scatter, 0.0, len(values), 0.0, 0.0)


def trend(points: Points) -> Trend:
    line = fit(points)
    if line is None:
        return "unclear"
    moved = line.slope * (points[-1][0] - points[0][0])
    mean = math.fsum(value for _, value in points) / len(points)
    if abs(moved) <= STEADY_SHARE * abs(mean):
        return "steady" if line.scatter <= abs(mean) else "unclear"
    if line.r_squared < CLEAR_R_SQUARED:
        return "unclear"
    return "rising" if moved > 0 else "falling"


def since_last_fall(points: Points) -> Points:
    """From the last point on before which the values fell, at once, by more than half of all that they span and by
    far more than they usually move: a restart that gave memory back, a disk that was cleared. The whole where too
    little would be left."""
    values = [value for _, value in points]
    if len(values) < LEAST_POINTS:
        return points
    usual = median(abs(after - before) for before, after in pairwise(values))
    least = max((max(values) - min(values)) / 2, USUAL_MOVES * usual)
    for place in range(len(points) - 1, 0, -1):
        if values[place - 1] - values[place] > least:
            return points[place:] if len(points) - place >= LEAST_POINTS else points
    return points


def student(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's t, by the expansion of Abramowitz and Stegun, 26.7.5."""
    z = _Z
    n = max(freedom, 1)
    first = (z**3 + z) / (4 * n)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    return z + first + second + third
