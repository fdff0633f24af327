"""Multinomial logistic regression over dense and sparse features, fitted by L-BFGS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from actors.nlp.classifier.grams import Rows

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

MAX_STEPS = 200


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
    """One row of weights for each label."""

    dense: Floats
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


def fit(features: Features, targets: Floats, weights: Floats, strength: float) -> Linear:
    """`targets` (texts, labels) are probabilities, `weights` how much each text counts; a larger `strength` trusts
    the texts more and the prior of small coefficients less."""
    # Imported here: training alone needs it, and the import takes most of a second.
    from scipy.optimize import minimize
    from scipy.sparse import csr_array

    rows = features.sparse
    sparse = csr_array((rows.values, rows.columns, rows.starts), shape=(len(features), features.width))
    across = csr_array(sparse.T)
    labels, depth = targets.shape[1], features.dense.shape[1]
    bounds = (labels * depth, labels * depth + features.width * labels)
    counted = (weights * strength)[:, None]

    def unpacked(flat: npt.NDArray[np.float64]) -> tuple[Floats, Floats, Floats]:
        single = flat.astype(np.float32)
        return (
            single[: bounds[0]].reshape(labels, depth),
            single[bounds[0] : bounds[1]].reshape(features.width, labels),
            single[bounds[1] :],
        )

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        dense, words, bias = unpacked(flat)
        logs = log_softmax(features.dense @ dense.T + cast("Floats", sparse @ words) + bias)
        off = (np.exp(logs) - targets) * counted
        parts = (off.T @ features.dense, cast("Floats", across @ off), off.sum(axis=0))
        gradient = np.concatenate([part.ravel() for part in parts]).astype(np.float64)
        gradient[: bounds[1]] += flat[: bounds[1]]
        value = -float((targets * logs * counted).sum()) + 0.5 * float(flat[: bounds[1]] @ flat[: bounds[1]])
        return value, gradient

    start = np.zeros(bounds[1] + labels)
    found = minimize(
        loss, start, method="L-BFGS-B", jac=True, options={"maxiter": MAX_STEPS, "maxcor": 6, "ftol": 1e-6}
    )
    return Linear(*unpacked(found.x))


def log_softmax(scores: Floats) -> Floats:
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
