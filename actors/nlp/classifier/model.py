"""The classifier: fitted on texts with labels, then asked what others are."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.nlp.classifier import kept
from actors.nlp.classifier.calibration import Judged, calibrate, judge
from actors.nlp.classifier.embedding import MINILM, Encoder, encoder
from actors.nlp.classifier.grams import Vocabulary
from actors.nlp.classifier.kept import Fitted
from actors.nlp.classifier.linear import Features, Linear, fit
from actors.nlp.classifier.ranking import OUT_OF_SCOPE, Candidate, Ranking
from actors.nlp.classifier.refusal import near
from actors.nlp.classifier.threads import one_thread

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Progress = Callable[[str], None]
Example = tuple[str, str]
"""Text and label."""

FOLDS, FOLDS_LARGE = 5, 3
LARGE = 4_000
"""Texts from which fewer folds say enough, and a second thread helps."""
ALTERNATIVES = 3
_BLANK = Ranking(OUT_OF_SCOPE, 1.0, (), in_scope=False)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@dataclass(frozen=True, slots=True)
class Classifier:
    fitted: Fitted
    encoder: Encoder

    @classmethod
    def fit(cls, examples: Sequence[Example], progress: Progress | None = None) -> Classifier:
        """Raises ValueError for fewer than two labels beside OUT_OF_SCOPE."""
        with one_thread() if len(examples) < LARGE else contextlib.nullcontext():
            return cls._fit(examples, progress or _silently)

    @classmethod
    def _fit(cls, examples: Sequence[Example], say: Progress) -> Classifier:
        labels = tuple(sorted({label for _, label in examples}))
        if len(set(labels) - {OUT_OF_SCOPE}) < 2:
            raise ValueError(f"examples of at least two labels beside {OUT_OF_SCOPE} are needed")
        data = _embedded(examples, labels, say)
        scores, nearness = _held_out(data, say)
        say(f"fitting {len(data.texts)} texts, {len(labels)} labels")
        vocabulary, linear = _fitted(data, np.arange(len(data.texts)))
        fitted = Fitted(
            labels=labels,
            vocabulary=vocabulary,
            linear=linear,
            inside=data.topics[data.inside],
            calibration=calibrate(scores, nearness, data.targets, data.out),
        )
        return cls(fitted, encoder())

    @classmethod
    def load_or_fit(
        cls, examples: Sequence[Example], directory: Path, progress: Progress | None = None
    ) -> Classifier:
        """The classifier of these very examples from `directory`, or fitted and kept there."""
        path = kept.path_of(directory, examples)
        fitted = kept.read(path)
        if fitted is not None:
            return cls(fitted, encoder())
        classifier = cls.fit(examples, progress)
        kept.save(path, classifier.fitted)
        return classifier

    def rank(self, texts: Sequence[str]) -> list[Ranking]:
        """One for each text; never raises for what a text holds. A blank one is refused."""
        said = [at for at, text in enumerate(texts) if text.strip()]
        ranked = dict(zip(said, self._ranked([texts[at] for at in said]), strict=True))
        return [ranked.get(at, _BLANK) for at in range(len(texts))]

    def _ranked(self, texts: Sequence[str]) -> list[Ranking]:
        if not texts:
            return []
        with one_thread():
            return self._judged(texts)

    def _judged(self, texts: Sequence[str]) -> list[Ranking]:
        fitted, vectors = self.fitted, self.encoder.encode(texts)
        features = Features(vectors, fitted.vocabulary.rows(texts), len(fitted.vocabulary.columns))
        nearness = near(_topics(vectors), fitted.inside)
        judged = judge(fitted.linear.scores(features), nearness, fitted.calibration, fitted.out)
        return [self._ranking(judged, row) for row in range(len(texts))]

    def _ranking(self, judged: Judged, row: int) -> Ranking:
        labels, out, chances = self.fitted.labels, self.fitted.out, judged.chances[row]
        inside = [int(at) for at in np.argsort(-chances, kind="stable") if at != out]
        best = inside[0]
        certain = float(chances[best])
        if judged.passes[row]:
            others = sorted([*inside[1:], *(() if out is None else (out,))], key=lambda at: -chances[at])
            return Ranking(labels[best], certain, self._candidates(chances, others), in_scope=True)
        return Ranking(OUT_OF_SCOPE, 1 - certain, self._candidates(chances, inside), in_scope=False)

    def _candidates(self, chances: Floats, order: list[int]) -> tuple[Candidate, ...]:
        return tuple(Candidate(self.fitted.labels[at], float(chances[at])) for at in order[:ALTERNATIVES])


def _silently(_: str) -> None:
    """For those who want no progress."""


# --- fitting ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Data:
    texts: list[str]
    targets: Labels
    vectors: Floats
    labels: int
    out: int | None
    names: list[str]
    """Labels as words: each is one more example, the best one where there are few. Empty: says nothing."""
    named: Floats

    @property
    def topics(self) -> Floats:
        return _topics(self.vectors)

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        return self.targets != (-1 if self.out is None else self.out)


def _embedded(examples: Sequence[Example], labels: tuple[str, ...], say: Progress) -> _Data:
    texts = [text for text, _ in examples]
    places = {label: at for at, label in enumerate(labels)}
    names = ["" if label == OUT_OF_SCOPE else _as_words(label) for label in labels]
    return _Data(
        texts=texts,
        targets=np.array([places[label] for _, label in examples], np.int64),
        vectors=encoder().encode(texts, say),
        labels=len(labels),
        out=places.get(OUT_OF_SCOPE),
        names=names,
        named=encoder().encode(names),
    )


def _as_words(label: str) -> str:
    """`card_arrival` and `cardArrival` are "card arrival"; `c_17` says nothing."""
    words = [word.lower() for word in _WORDS.findall(label)]
    return " ".join(words) if any(len(word) > 2 for word in words) else ""


def _fitted(data: _Data, rows: Labels) -> tuple[Vocabulary, Linear]:
    """On the texts of `rows` and the names of the labels."""
    named = [at for at, name in enumerate(data.names) if name]
    texts = _chosen(data.texts, rows) + [data.names[at] for at in named]
    vocabulary = Vocabulary.of(texts)
    vectors = np.concatenate([data.vectors[rows], data.named[named]])
    targets = np.concatenate([data.targets[rows], np.array(named, np.int64)])
    features = Features(vectors, vocabulary.rows(texts), len(vocabulary.columns))
    return vocabulary, fit(features, np.eye(data.labels, dtype=np.float32)[targets])


def _chosen(texts: list[str], rows: Labels) -> list[str]:
    return [texts[int(at)] for at in rows]


def _held_out(data: _Data, say: Progress) -> tuple[Floats, Floats]:
    """The scores of each text, and how near it is to others in scope, by a fit that has not seen it."""
    scores = np.zeros((len(data.texts), data.labels), np.float32)
    nearness = np.zeros(len(data.texts), np.float32)
    folds, count = _folds(data.targets), FOLDS if len(data.texts) < LARGE else FOLDS_LARGE
    for fold in range(count):
        say(f"cross-validation {fold + 1}/{count}")
        seen, left = np.flatnonzero(folds % count != fold), np.flatnonzero(folds % count == fold)
        vocabulary, linear = _fitted(data, seen)
        rows = vocabulary.rows(_chosen(data.texts, left))
        scores[left] = linear.scores(Features(data.vectors[left], rows, len(vocabulary.columns)))
        nearness[left] = near(data.topics[left], data.topics[seen][data.inside[seen]])
    return scores, nearness


def _folds(targets: Labels) -> Labels:
    """Numbers that spread each label's texts."""
    met: Counter[int] = Counter()
    folds: list[int] = []
    for target in targets.tolist():
        folds.append(met[target])
        met[target] += 1
    return np.array(folds, np.int64)


def _topics(vectors: Floats) -> Floats:
    """The part of the vectors that says what a text is about, with rows of length 1."""
    part = vectors[:, :MINILM]
    return part / np.linalg.norm(part, axis=1, keepdims=True)
