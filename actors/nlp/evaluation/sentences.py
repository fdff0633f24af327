"""Sentences with the intent and, where it is given, the entities that they have; and how well others were guessed.

A line of a file: `{"text", "intent", "entities"?: [{"type", "value"}]}`; other keys are left alone.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actors.nlp.classifier import OUT_OF_SCOPE
from actors.nlp.evaluation.values import plain

BINS = 10


class DataInvalid(ValueError):
    """A file of annotated data cannot be used; the message names the file and the line."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Named(_Line):
    type: str
    value: str

    @property
    def key(self) -> tuple[str, str]:
        return self.type, plain(self.value)


class Sentence(_Line):
    text: str = Field(min_length=1)
    intent: str = Field(min_length=1)
    entities: tuple[Named, ...] | None = None
    """None: not annotated."""


@dataclass(frozen=True, slots=True)
class Guess:
    intent: str
    confidence: float
    entities: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """Shares from 0 to 1; None where the data has nothing to score."""

    accuracy: float
    macro_f1: float
    in_scope_accuracy: float | None
    """Of the sentences that have another intent than OUT_OF_SCOPE; a refused one is wrong."""
    oos_recall: float | None
    """Of the sentences out of scope, the share that is refused."""
    entity_f1: float | None
    """Micro-averaged over the types and values of all annotated sentences."""


Line = TypeVar("Line", bound=BaseModel)


def read_lines(path: Path, model: type[Line]) -> tuple[Line, ...]:
    """Raises DataInvalid."""
    read: list[Line] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataInvalid(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            read.append(model.model_validate(json.loads(line)))
        except (json.JSONDecodeError, ValidationError) as error:
            raise DataInvalid(f"{path}, line {number}: {' '.join(str(error).split())}") from error
    if not read:
        raise DataInvalid(f"{path} has no lines")
    return tuple(read)


def read_sentences(path: Path) -> tuple[Sentence, ...]:
    """Raises DataInvalid."""
    return read_lines(path, Sentence)


def scores(sentences: Sequence[Sentence], guesses: Sequence[Guess]) -> Scores:
    pairs = [(sentence.intent, guess.intent) for sentence, guess in zip(sentences, guesses, strict=True)]
    return Scores(
        accuracy=_share([given == guessed for given, guessed in pairs]) or 0.0,
        macro_f1=_macro_f1(pairs),
        in_scope_accuracy=_share([given == guessed for given, guessed in pairs if given != OUT_OF_SCOPE]),
        oos_recall=_share([guessed == OUT_OF_SCOPE for given, guessed in pairs if given == OUT_OF_SCOPE]),
        entity_f1=_entity_f1(sentences, guesses),
    )


def by_intent(sentences: Sequence[Sentence], guesses: Sequence[Guess]) -> dict[str, tuple[float, int]]:
    """Share that is right, and how many sentences, of each intent; the worst first."""
    right: defaultdict[str, list[bool]] = defaultdict(list)
    for sentence, guess in zip(sentences, guesses, strict=True):
        right[sentence.intent].append(sentence.intent == guess.intent)
    shares = {intent: (sum(found) / len(found), len(found)) for intent, found in right.items()}
    return dict(sorted(shares.items(), key=lambda item: (item[1][0], item[0])))


def confusions(sentences: Sequence[Sentence], guesses: Sequence[Guess]) -> list[tuple[str, str, int]]:
    """(the intent, what it was taken for, how often), the most frequent first."""
    pairs = Counter(
        (sentence.intent, guess.intent)
        for sentence, guess in zip(sentences, guesses, strict=True)
        if sentence.intent != guess.intent
    )
    return [(given, guessed, count) for (given, guessed), count in pairs.most_common()]


def calibration_error(sentences: Sequence[Sentence], guesses: Sequence[Guess]) -> float:
    """Expected calibration error: over ten bins of equal width, how far the mean confidence is from the share that
    is right, weighted by the bin's size (Guo et al. 2017)."""
    confidence = np.array([guess.confidence for guess in guesses])
    right = np.array([s.intent == g.intent for s, g in zip(sentences, guesses, strict=True)])
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(float((right[bins == bin] - confidence[bins == bin]).sum())) for bin in range(BINS)]
    return sum(gaps) / len(guesses)


def _share(right: list[bool]) -> float | None:
    return sum(right) / len(right) if right else None


def _macro_f1(pairs: list[tuple[str, str]]) -> float:
    """Over the intents that the data has."""
    given, guessed = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    hit = Counter(one for one, other in pairs if one == other)
    return sum(2 * hit[name] / (given[name] + guessed[name]) for name in given) / len(given)


def _entity_f1(sentences: Sequence[Sentence], guesses: Sequence[Guess]) -> float | None:
    """None where no sentence is annotated."""
    annotated = False
    hit = given = found = 0
    for sentence, guess in zip(sentences, guesses, strict=True):
        if sentence.entities is None:
            continue
        annotated = True
        wanted = Counter(one.key for one in sentence.entities)
        seen = Counter(one.key for one in guess.entities)
        hit += (wanted & seen).total()
        given += wanted.total()
        found += seen.total()
    if not annotated:
        return None
    return 2 * hit / (given + found) if given + found else 1.0
