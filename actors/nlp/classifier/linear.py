"""Multinomial logistic regression over dense and sparse features, fitted on texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from actors.nlp.classifier.descent import minimum
from actors.nlp.classifier.grams import Rows

Floats = npt.NDArray[np.float32]

STRENGTH = 10.0
"""How much a text counts against the prior of small coefficients. Between 2 and 60 little changes."""


@dataclass(frozen=True, slots=True)
class Features:
    dense: Floats
    sparse: Rows
    width: int
    """Columns of `sparse`."""

    def __len__(self) -> int:
        return len(self.dense)


@dataclass(frozen=True, slots=True)
class Linear:
    """Coefficients of each label."""

    dense: Floats
    """(labels, columns)."""
    sparse: Floats
    """(columns, labels): a text touches few columns, and each must be one stretch of memory."""
    bias: Floats

    def scores(self, features: Features) -> Floats:
        """Unnormalised, (texts, labels)."""
        scores = features.dense @ self.dense.T + self.bias
        starts, columns, values = features.sparse.starts, features.sparse.columns, features.sparse.values
        for row in range(len(features)):
            at = slice(starts[row], starts[row + 1])
            scores[row] += values[at] @ self.sparse[columns[at]]
        return scores


def fit(features: Features, targets: Floats) -> Linear:
    """`targets` are the probabilities of each text's labels, (texts, labels)."""
    # Imported here: training alone needs it, and the import takes a third of a second.
    from scipy.sparse import csr_array

    rows = features.sparse
    sparse = csr_array((rows.values, rows.columns, rows.starts), shape=(len(features), features.width))
    across = csr_array(sparse.T)
    labels, depth = targets.shape[1], features.dense.shape[1]
    bounds = (labels * depth, labels * depth + features.width * labels)

    def unpacked(flat: Floats) -> tuple[Floats, Floats, Floats]:
        return (
            flat[: bounds[0]].reshape(labels, depth),
            flat[bounds[0] : bounds[1]].reshape(features.width, labels),
            flat[bounds[1] :],
        )

    def loss(flat: Floats) -> tuple[float, Floats]:
        dense, words, bias = unpacked(flat)
        logs = log_softmax(features.dense @ dense.T + cast("Floats", sparse @ words) + bias)
        off = (np.exp(logs) - targets) * np.float32(STRENGTH)
        parts = (off.T @ features.dense, cast("Floats", across @ off), off.sum(axis=0))
        gradient = np.concatenate([part.ravel() for part in parts], dtype=np.float32)
        weights = flat[: bounds[1]]
        gradient[: bounds[1]] += weights
        return -STRENGTH * float((targets * logs).sum()) + 0.5 * float(weights @ weights), gradient

    return Linear(*unpacked(minimum(loss, bounds[1] + labels)))


def log_softmax(scores: Floats) -> Floats:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
