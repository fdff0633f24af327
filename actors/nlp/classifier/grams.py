"""Words and pieces of words as sparse features, weighted by how telling they are (TF-IDF)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Positions = npt.NDArray[np.int32]

MAX_FEATURES = 30_000
MAX_CHARACTERS = 1_000
"""Of a text; grams of a longer one would drown the words that matter and cost time."""
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
_PIECES = (3, 4, 5)


def grams(text: str) -> Iterator[str]:
    """Words, pairs of words, and three to five characters within a word with its borders. A number is one `0`."""
    words = ["0" if word[0].isdigit() else word for word in _WORD.findall(text[:MAX_CHARACTERS].lower())]
    for at, word in enumerate(words):
        yield word
        if at:
            yield f"{words[at - 1]} {word}"
        yield from _pieces(word[:40])


def _pieces(word: str) -> Iterator[str]:
    bounded = f"<{word}>"
    for size in _PIECES:
        for at in range(len(bounded) - size + 1):
            yield f"_{bounded[at : at + size]}"


@dataclass(frozen=True, slots=True)
class Rows:
    """Compressed sparse rows: row i has `values[k]` at column `columns[k]` for k in starts[i] … starts[i + 1]."""

    starts: Positions
    columns: Positions
    values: Floats


@dataclass(frozen=True, slots=True)
class Vocabulary:
    columns: dict[str, int]
    weights: Floats
    """The inverse document frequency of each column."""

    @classmethod
    def of(cls, texts: Sequence[str]) -> Vocabulary:
        """The most frequent grams of the texts."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update(set(grams(text)))
        kept = [gram for gram, _ in seen.most_common(MAX_FEATURES)]
        counts = np.array([seen[gram] for gram in kept], np.float32)
        weights = np.log((1 + len(texts)) / (1 + counts)) + 1
        return cls({gram: at for at, gram in enumerate(kept)}, weights.astype(np.float32))

    def rows(self, texts: Sequence[str]) -> Rows:
        """Each row has length 1, or is empty where no gram is known."""
        starts = [0]
        columns: list[Positions] = []
        values: list[Floats] = []
        for text in texts:
            found, counts = self._counted(text)
            weighted = (1 + np.log(counts)) * self.weights[found]
            columns.append(found)
            values.append((weighted / max(float(np.linalg.norm(weighted)), 1e-9)).astype(np.float32))
            starts.append(starts[-1] + len(found))
        if not texts:
            return Rows(np.zeros(1, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))
        return Rows(np.array(starts, np.int32), np.concatenate(columns), np.concatenate(values))

    def _counted(self, text: str) -> tuple[Positions, Floats]:
        counted = Counter(at for gram in grams(text) if (at := self.columns.get(gram)) is not None)
        return np.array(list(counted), np.int32), np.array(list(counted.values()), np.float32)
