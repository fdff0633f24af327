"""How well the shipped understanding does on a directory of annotated data: everything, as one tree of numbers.

The directory has `sentences.jsonl` and, where they are to be scored, `times.jsonl`, `dialogues.jsonl` and
`catalogue.json` (`{"services", "environments"}`: what is known to exist while it is scored).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from actors.nlp.classifier import Classifier
from actors.nlp.evaluation import dialogues, times
from actors.nlp.evaluation.guessing import by_copilot
from actors.nlp.evaluation.sentences import (
    DataInvalid,
    Sentence,
    by_intent,
    calibration_error,
    confusions,
    read_sentences,
    scores,
)
from actors.nlp.registry import Registry
from schemas.adapters import Catalogue

Progress = Callable[[str], None]
Told = dict[str, Any]
"""JSON."""

TIMED = 200
"""Sentences whose time is taken one by one."""
CONFUSIONS = 15


@dataclass(frozen=True, slots=True)
class Annotated:
    """All that a directory has."""

    sentences: tuple[Sentence, ...]
    phrases: tuple[times.Phrase, ...]
    dialogues: tuple[dialogues.Dialogue, ...]
    catalogue: Catalogue

    @classmethod
    def read(cls, directory: Path) -> Annotated:
        """Raises DataInvalid."""
        phrases, spoken = directory / "times.jsonl", directory / "dialogues.jsonl"
        return cls(
            sentences=read_sentences(directory / "sentences.jsonl"),
            phrases=times.read_phrases(phrases) if phrases.exists() else (),
            dialogues=_read_dialogues(spoken) if spoken.exists() else (),
            catalogue=_read_catalogue(directory / "catalogue.json"),
        )


def report(data: Annotated, registry: Registry, classifier: Classifier, say: Progress) -> Told:
    """Parts that the data does not have are left out."""
    told: Told = {"sentences": _sentences(data, registry, classifier, say)}
    if data.phrases:
        say(f"{len(data.phrases)} phrases of time")
        taken = times.take(data.phrases)
        told["times"] = {"n": len(taken), "exact": sum(one.right for one in taken) / len(taken)}
    if data.dialogues:
        say(f"{len(data.dialogues)} dialogues")
        told["dialogues"] = _dialogues(data, registry, classifier)
    told["speed"] = speed([sentence.text for sentence in data.sentences], classifier, say)
    return told


def speed(texts: Sequence[str], classifier: Classifier, say: Progress) -> Told:
    """Of the classifier: milliseconds alone, milliseconds in batches, and how many a second that makes."""
    say("speed")
    classifier.rank(texts[:1])
    alone = [_timed(classifier, [text]) for text in texts[:TIMED]]
    together = _timed(classifier, texts) / len(texts)
    return {
        "ms_alone_p50": statistics.median(alone),
        "ms_alone_p95": sorted(alone)[int(0.95 * (len(alone) - 1))],
        "ms_in_batches": together,
        "texts_per_second": 1000 / together,
    }


def _timed(classifier: Classifier, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    classifier.rank(texts)
    return 1000 * (time.perf_counter() - started)


def _sentences(data: Annotated, registry: Registry, classifier: Classifier, say: Progress) -> Told:
    sentences = data.sentences
    guessed = by_copilot(registry, classifier, sentences, data.catalogue, say)
    found = scores(sentences, guessed.guesses)
    return {
        "n": len(sentences),
        "accuracy": found.accuracy,
        "macro_f1": found.macro_f1,
        "in_scope_accuracy": found.in_scope_accuracy,
        "oos_recall": found.oos_recall,
        "entity_f1": found.entity_f1,
        "calibration_error": calibration_error(sentences, guessed.guesses),
        "ms_per_text": guessed.ms_per_text,
        "intents": {
            name: {"accuracy": share, "n": count}
            for name, (share, count) in by_intent(sentences, guessed.guesses).items()
        },
        "confusions": [
            {"intent": given, "taken_for": taken, "n": count}
            for given, taken, count in confusions(sentences, guessed.guesses)[:CONFUSIONS]
        ],
    }


def _dialogues(data: Annotated, registry: Registry, classifier: Classifier) -> Told:
    scored = dialogues.score(data.dialogues, data.catalogue, registry, classifier.rank)
    return {
        "n": len(data.dialogues),
        "turns": len(scored.outcomes),
        "turns_right": scored.accuracy,
        "by_kind": {
            kind: {"turns_right": share, "turns": scored.turns_by_kind[kind]}
            for kind, share in scored.by_kind.items()
        },
    }


# --- reading ---------------------------------------------------------------------------------------


def _read_dialogues(path: Path) -> tuple[dialogues.Dialogue, ...]:
    try:
        return dialogues.read(path)
    except (OSError, ValueError) as error:
        raise DataInvalid(str(error)) from error


def _read_catalogue(path: Path) -> Catalogue:
    if not path.exists():
        return Catalogue()
    try:
        return Catalogue.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise DataInvalid(f"{path}: {' '.join(str(error).split())}") from error
