"""Whether a text has any of the labels at all.

Two things speak for it: what the linear layer gives to OUT_OF_SCOPE (where there are examples of that), and how
near the text is to the nearest examples in scope. Alone the first misses what is unlike any example, the second
what is near in topic and far in purpose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

NEAREST = 5
LOST, LOST_BLIND = 0.02, 0.01
"""The largest share of rightly labelled texts that refusal may cost, with and without examples out of scope."""
FEWEST_OUT = 5
"""Examples out of scope below which they are no measure."""
_STEPS = 30
_RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Gate:
    """A logistic function of two signs; a text passes from `threshold` on."""

    doubt: float
    """Coefficient of the log odds of OUT_OF_SCOPE."""
    nearness: float
    """Coefficient of the mean similarity to the nearest examples."""
    bias: float
    threshold: float
    measured: bool
    """Whether the function is a probability: there were examples out of scope."""

    def scores(self, doubts: Floats, nearness: Floats) -> Floats:
        """Log odds of being in scope."""
        odds = self.doubt * doubts + self.nearness * nearness + self.bias
        return odds.astype(np.float32)


def near(vectors: Floats, examples: Floats) -> Floats:
    """Mean similarity of each row to the NEAREST `examples`; rows of both have length 1."""
    count = min(NEAREST, len(examples))
    if not count:
        return np.zeros(len(vectors), np.float32)
    similar = np.partition(vectors @ examples.T, -count, axis=1)[:, -count:]
    return similar.mean(axis=1).astype(np.float32)


def open_gate(doubts: Floats, nearness: Floats, inside: Flags, right: Flags) -> Gate:
    """From texts that the fit has not seen. `right`: in scope, and the label would be right."""
    measured = bool((~inside).sum() >= FEWEST_OUT)
    doubt, nearby, bias = _logistic(doubts, nearness, inside) if measured else (0.0, 1.0, 0.0)
    gate = Gate(doubt, nearby, bias, -np.inf, measured)
    scores = gate.scores(doubts, nearness)
    if not right.any():
        return gate
    threshold = _best(scores, inside, right) if measured else float(np.quantile(scores[right], LOST_BLIND))
    return Gate(doubt, nearby, bias, threshold, measured)


def _best(scores: Floats, inside: Flags, right: Flags) -> float:
    """Where what is refused rightly, less what is refused wrongly, is largest; within LOST."""
    lost = np.linspace(0, LOST, 21)
    thresholds = np.quantile(scores[right], lost)
    refused = np.array([(scores[~inside] < threshold).mean() for threshold in thresholds])
    return float(thresholds[int(np.argmax(refused - lost))])


def _logistic(doubts: Floats, nearness: Floats, inside: Flags) -> tuple[float, float, float]:
    """Coefficients of both and the constant, by Newton's method; the columns are standardised meanwhile."""
    columns = np.column_stack([doubts, nearness]).astype(np.float64)
    centre, spread = columns.mean(axis=0), columns.std(axis=0) + 1e-6
    design = np.column_stack([(columns - centre) / spread, np.ones(len(columns))])
    prior = np.diag([_RIDGE, _RIDGE, 1e-3])
    found = np.zeros(3)
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-(design @ found)))
        slope = design.T @ (inside - chances) - prior @ found
        curve = (design * (chances * (1 - chances))[:, None]).T @ design + prior
        found += np.linalg.solve(curve, slope)
    first, second = found[:2] / spread
    return float(first), float(second), float(found[2] - found[:2] @ (centre / spread))
