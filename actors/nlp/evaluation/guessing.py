"""Who guesses: the engine alone, with any labels, or the copilot, asked in conversations of one message."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from actors.nlp.classifier import Classifier
from actors.nlp.entities import entities, find
from actors.nlp.evaluation.sentences import Guess, Named, Sentence
from actors.nlp.registry import Registry
from actors.nlp.times import calendar_for
from actors.nlp.understand import understand
from schemas.adapters import Catalogue
from schemas.nlp import Entity, Utterance

Progress = Callable[[str], None]
BATCH = 256
"""Sentences between two words of progress."""


@dataclass(frozen=True, slots=True)
class Guessed:
    guesses: tuple[Guess, ...]
    seconds: float
    """All of it, on the clock."""

    @property
    def ms_per_text(self) -> float:
        return 1000 * self.seconds / max(len(self.guesses), 1)


def by_engine(
    classifier: Classifier, sentences: Sequence[Sentence], catalogue: Catalogue, say: Progress
) -> Guessed:
    """In batches; entities only where the data has some."""
    wanted = any(sentence.entities is not None for sentence in sentences)
    calendar = calendar_for(datetime.now(UTC), "UTC")

    def guesses(batch: Sequence[Sentence]) -> list[Guess]:
        rankings = classifier.rank([sentence.text for sentence in batch])
        return [
            Guess(
                ranking.name,
                ranking.confidence,
                _named(entities(sentence.text, find(sentence.text, calendar, catalogue))) if wanted else (),
            )
            for sentence, ranking in zip(batch, rankings, strict=True)
        ]

    return _timed(sentences, guesses, say)


def by_copilot(
    registry: Registry, classifier: Classifier, sentences: Sequence[Sentence], catalogue: Catalogue, say: Progress
) -> Guessed:
    """One after another, with the rules and the entities of the nlp pool."""
    now = datetime.now(UTC)

    def guess(sentence: Sentence) -> Guess:
        heard = Utterance(text=sentence.text, as_of=now)
        meaning = understand(heard, catalogue, registry, classifier.rank)
        found = (*meaning.entities, *(entity for part in meaning.parts for entity in part.entities))
        return Guess(meaning.intent.name, meaning.intent.confidence, _named(found))

    return _timed(sentences, lambda batch: [guess(sentence) for sentence in batch], say)


def _timed(
    sentences: Sequence[Sentence], guesses: Callable[[Sequence[Sentence]], list[Guess]], say: Progress
) -> Guessed:
    done: list[Guess] = []
    started = time.perf_counter()
    for start in range(0, len(sentences), BATCH):
        say(f"{start} of {len(sentences)} sentences")
        done.extend(guesses(sentences[start : start + BATCH]))
    return Guessed(tuple(done), time.perf_counter() - started)


def _named(found: Sequence[Entity]) -> tuple[Named, ...]:
    return tuple(Named(type=entity.type, value=entity.value) for entity in found)
