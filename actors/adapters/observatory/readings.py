"""What a metrics backend answers, before it becomes evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Sample:
    """`value` is None where the backend says NaN or infinite: JSON has neither."""

    labels: Mapping[str, str]
    value: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """`points` are (unix seconds, value) in order of time."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """`samples` of a scalar or vector, `series` of a matrix. `warnings` say what is missing from it."""

    kind: Literal["scalar", "vector", "matrix"]
    samples: tuple[Sample, ...] = ()
    series: tuple[Series, ...] = ()
    warnings: tuple[str, ...] = ()
    not_finite: int = 0
    """How many values are None because they were NaN or infinite."""
