"""From scores to probabilities, and the probability below which a text is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from actors.nlp.classifier.linear import log_softmax

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

TEMPERATURES = np.geomspace(0.2, 5.0, 60)
LOST = 0.01
"""Share of the texts in scope that may be refused though their label is right."""


@dataclass(frozen=True, slots=True)
class Calibration:
    temperature: float
    """Scores are divided by it."""
    threshold: float
    """The smallest probability of the likeliest label that is believed."""


def calibrate(scores: Floats, targets: Labels, out: int | None) -> Calibration:
    """From the scores of texts that the fit has not seen; `out` is the column of what is out of scope."""
    rows = np.arange(len(targets))
    losses = [-log_softmax(scores / heat)[rows, targets].mean() for heat in TEMPERATURES]
    temperature = float(TEMPERATURES[int(np.argmin(losses))])
    chances = np.exp(log_softmax(scores / temperature))
    right = (chances.argmax(axis=1) == targets) & (targets != (-1 if out is None else out))
    threshold = float(np.quantile(chances.max(axis=1)[right], LOST)) if right.any() else 0.0
    return Calibration(temperature, threshold)
