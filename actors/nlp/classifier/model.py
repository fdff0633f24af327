"""The classifier: fitted on texts with labels, then asked what others are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actors.nlp.classifier import kept
from actors.nlp.classifier.calibration import calibrate
from actors.nlp.classifier.embedding import Encoder, encoder
from actors.nlp.classifier.grams import Vocabulary
from actors.nlp.classifier.kept import Fitted
from actors.nlp.classifier.linear import Features, Linear, fit, log_softmax
from actors.nlp.classifier.ranking import OUT_OF_SCOPE, Candidate, Ranking

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
Progress = Callable[[str], None]
Example = tuple[str, str]
"""Text and label."""

STRENGTH = 10.0
FOLDS = 5
ALTERNATIVES = 3
WORDS_SHARE = 1.0


@dataclass(frozen=True, slots=True)
class Classifier:
    fitted: Fitted
    encoder: Encoder

    @classmethod
    def fit(cls, examples: Sequence[Example], progress: Progress | None = None) -> Classifier:
        """Raises ValueError for fewer than two labels."""
        say = progress or _silently
        labels = tuple(sorted({label for _, label in examples}))
        if len(labels) < 2:
            raise ValueError("examples of at least two labels are needed")
        texts = [text for text, _ in examples]
        targets = np.array([labels.index(label) for _, label in examples], np.int64)
        say(f"embedding {len(texts)} texts")
        vectors = encoder().encode(texts)
        out = labels.index(OUT_OF_SCOPE) if OUT_OF_SCOPE in labels else None
        scores = _held_out(texts, vectors, targets, len(labels), say)
        say("fitting on everything")
        vocabulary, linear = _fitted(texts, vectors, targets, len(labels))
        return cls(Fitted(labels, vocabulary, linear, calibrate(scores, targets, out)), encoder())

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
        """One for each text; never raises for what a text holds."""
        if not texts:
            return []
        features = _features(texts, self.encoder.encode(texts), self.fitted.vocabulary)
        logs = log_softmax(self.fitted.linear.scores(features) / self.fitted.calibration.temperature)
        return [self._ranking(row) for row in np.exp(logs)]

    def _ranking(self, chances: Floats) -> Ranking:
        labels = self.fitted.labels
        order = [int(at) for at in np.argsort(-chances)]
        best = order[0]
        certain = float(chances[best])
        if labels[best] != OUT_OF_SCOPE and certain >= self.fitted.calibration.threshold:
            return Ranking(labels[best], certain, self._candidates(chances, order[1:]), in_scope=True)
        inside = [at for at in order if labels[at] != OUT_OF_SCOPE]
        confidence = 1 - float(chances[inside[0]])
        return Ranking(OUT_OF_SCOPE, confidence, self._candidates(chances, inside), in_scope=False)

    def _candidates(self, chances: Floats, order: list[int]) -> tuple[Candidate, ...]:
        return tuple(Candidate(self.fitted.labels[at], float(chances[at])) for at in order[:ALTERNATIVES])


def _silently(_: str) -> None:
    """For those who want no progress."""


def _fitted(texts: Sequence[str], vectors: Floats, targets: Labels, labels: int) -> tuple[Vocabulary, Linear]:
    vocabulary = Vocabulary.of(texts)
    features = _features(texts, vectors, vocabulary)
    weights = np.ones(len(texts), np.float32)
    return vocabulary, fit(features, np.eye(labels, dtype=np.float32)[targets], weights, STRENGTH)


def _features(texts: Sequence[str], vectors: Floats, vocabulary: Vocabulary) -> Features:
    return Features(vectors, vocabulary.rows(texts), len(vocabulary.columns))


def _held_out(texts: Sequence[str], vectors: Floats, targets: Labels, labels: int, say: Progress) -> Floats:
    """The scores of each text by a fit that has not seen it."""
    scores = np.zeros((len(texts), labels), np.float32)
    folds = _folds(targets)
    for fold in range(FOLDS):
        say(f"cross-validation {fold + 1}/{FOLDS}")
        seen = [at for at, of in enumerate(folds) if of != fold]
        left = [at for at, of in enumerate(folds) if of == fold]
        vocabulary, linear = _fitted([texts[at] for at in seen], vectors[seen], targets[seen], labels)
        scores[left] = linear.scores(_features([texts[at] for at in left], vectors[left], vocabulary))
    return scores


def _folds(targets: Labels) -> list[int]:
    """Each label's texts spread over the folds."""
    met: Counter[int] = Counter()
    folds: list[int] = []
    for target in targets.tolist():
        folds.append(met[target] % FOLDS)
        met[target] += 1
    return folds
