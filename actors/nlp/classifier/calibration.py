"""From scores to probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.nlp.classifier.linear import log_softmax
from actors.nlp.classifier.refusal import Gate, open_gate

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

TEMPERATURES = np.geomspace(0.1, 5.0, 80)
LARGEST_DOUBT = 15.0


@dataclass(frozen=True, slots=True)
class Calibration:
    temperature: float
    """Scores are divided by it."""
    gate: Gate


@dataclass(frozen=True, slots=True)
class Judged:
    """Of each text."""

    chances: Floats
    """Of each label, (texts, labels); they sum to 1. Where the gate is not measured, of those in scope alone."""
    passes: npt.NDArray[np.bool_]


def calibrate(scores: Floats, nearness: Floats, targets: Labels, out: int | None) -> Calibration:
    """From texts that the fit has not seen; `out` is the column of OUT_OF_SCOPE."""
    inside = targets != (-1 if out is None else out)
    within = _without(scores, out)
    rows, labels = np.flatnonzero(inside), targets[inside]
    losses = [-log_softmax(within[rows] / heat)[np.arange(len(rows)), labels].mean() for heat in TEMPERATURES]
    temperature = float(TEMPERATURES[int(np.argmin(losses))])
    right = inside & (within.argmax(axis=1) == targets)
    return Calibration(temperature, open_gate(_doubts(scores, temperature, out), nearness, inside, right))


def judge(scores: Floats, nearness: Floats, calibration: Calibration, out: int | None) -> Judged:
    gate = calibration.gate
    odds = gate.scores(_doubts(scores, calibration.temperature, out), nearness)
    chances = np.exp(log_softmax(_without(scores, out) / calibration.temperature))
    if gate.measured and out is not None:
        belongs = 1 / (1 + np.exp(-np.clip(odds, -LARGEST_DOUBT, LARGEST_DOUBT)))
        chances *= belongs[:, None]
        chances[:, out] = 1 - belongs
    return Judged(chances, odds >= gate.threshold)


def _without(scores: Floats, out: int | None) -> Floats:
    if out is None:
        return scores
    within = scores.copy()
    within[:, out] = -np.inf
    return within


def _doubts(scores: Floats, temperature: float, out: int | None) -> Floats:
    """Log odds of OUT_OF_SCOPE."""
    if out is None:
        return np.zeros(len(scores), np.float32)
    logs = log_softmax(scores / temperature)[:, out]
    others = np.log(np.maximum(-np.expm1(logs), 1e-7))
    return np.clip(logs - others, -LARGEST_DOUBT, LARGEST_DOUBT)
