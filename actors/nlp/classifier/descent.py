"""L-BFGS: minimises a smooth convex function of many numbers from its value and gradient.

After Nocedal and Wright, Numerical Optimization, algorithms 7.4 and 7.5, with backtracking to the Armijo
condition. Single precision, as its caller's products are: at a million coefficients the bookkeeping of SciPy's
implementation takes far longer than those."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Function = Callable[[Floats], tuple[float, Floats]]

MEMORY = 8
MAX_STEPS = 150
ENOUGH = 1e-5
"""Relative decrease in a step below which it ends."""
_ARMIJO = 1e-4
_HALVINGS = 20


def minimum(function: Function, size: int) -> Floats:
    """The place of the minimum, from zero on; near it, where MAX_STEPS do not suffice."""
    place = np.zeros(size, np.float32)
    value, gradient = function(place)
    pairs: deque[tuple[Floats, Floats, float]] = deque(maxlen=MEMORY)
    for _ in range(MAX_STEPS):
        direction = _direction(gradient, pairs)
        slope = _dot(gradient, direction)
        if slope >= 0:
            return place  # only rounding is left
        found = _line(function, place, value, direction, slope, 1.0 if pairs else 1 / _length(gradient))
        if found is None:
            return place
        step, lower, turned = found
        change = turned - gradient
        curvature = _dot(step, change)
        if curvature > 0:
            pairs.append((step, change, 1 / curvature))
        place, gradient = place + step, turned
        decrease, value = value - lower, lower
        if decrease <= ENOUGH * max(abs(value), 1.0):
            return place
    return place


def _direction(gradient: Floats, pairs: deque[tuple[Floats, Floats, float]]) -> Floats:
    """Minus the gradient, times the inverse curvature that the last steps have shown."""
    direction = -gradient
    shares: list[float] = []
    for step, change, inverse in reversed(pairs):
        share = inverse * _dot(step, direction)
        shares.append(share)
        direction -= np.float32(share) * change
    if pairs:
        _, change, inverse = pairs[-1]
        direction *= np.float32(1 / (inverse * _dot(change, change)))
    for (step, change, inverse), share in zip(pairs, reversed(shares), strict=True):
        direction += np.float32(share - inverse * _dot(change, direction)) * step
    return direction


def _line(
    function: Function, place: Floats, value: float, direction: Floats, slope: float, length: float
) -> tuple[Floats, float, Floats] | None:
    """A step that decreases enough, with the value and the gradient there; None when none does."""
    for _ in range(_HALVINGS):
        step = np.multiply(direction, length, dtype=np.float32)
        lower, gradient = function(place + step)
        if lower <= value + _ARMIJO * length * slope:
            return step, lower, gradient
        length /= 2
    return None


def _dot(one: Floats, other: Floats) -> float:
    return float(np.dot(one, other))


def _length(vector: Floats) -> float:
    return max(float(np.linalg.norm(vector)), 1e-12)
