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

MAX_FEATURES = 20_000
FEWEST = 2
"""Texts that a gram must stand in: what stands in one tells nothing of others."""
MAX_CHARACTERS = 1_000
"""Of a text; grams of a longer one would drown the words that matter and cost time."""
SHARE = 0.6
"""Length of a text's grams, where its embedding has about 1.5."""
LONGEST_WORD = 40
PIECES = (3, 4, 5)
_WORD = re.compile(r"#\w+|[^\W\d_]+|\d+|[^\w\s]")
_SHAPES = tuple(
    (re.compile(pattern), f" {name} ")
    for name, pattern in (
        ("#id", r"\b[A-Za-z]{2,6}-[0-9]{1,9}\b"),
        ("#path", r"(?<![\w/])(?:/[\w.-]{1,60}|[\w.-]{1,60}/[\w.-]{1,60})(?:/[\w.-]{1,60}){0,12}"),
        ("#path", r"\b[\w-]{1,60}\.(?:[jt]sx?|py|go|rs|java|rb|c|cpp|ya?ml|json)\b"),
        ("#version", r"\bv?[0-9]{1,6}(?:\.[0-9]{1,6}){1,5}\b"),
        ("#clock", r"\b[0-9]{1,2}:[0-9]{2}\b"),
        ("#percent", r"\b[0-9]{1,9} ?%"),
        ("#span", r"\b[0-9]{1,9}(?:ms|s|m|h|d|min|hrs?)\b"),
        ("#hex", r"\b(?=[a-f]*[0-9])[0-9a-f]{8,64}\b"),
        ("#status", r"\b[1-5](?:[0-9]{2}|xx)\b"),
        ("#symbol", r"\b(?:[a-z0-9]{1,30}_[a-z0-9_]{1,30}|[A-Z][a-z]{1,30}(?:[A-Z][a-z]{1,30}){1,6})\b"),
    )
)  # fmt: skip
"""What stands for itself by its shape, whatever it names. Every repetition is bounded: no text takes long."""


def grams(text: str) -> Iterator[str]:
    """Words, pairs of words, and three to five characters within a word with its borders. Numbers and names of
    known shapes are one word each."""
    words = _words(text[:MAX_CHARACTERS])
    for at, word in enumerate(words):
        yield word
        if at:
            yield f"{words[at - 1]} {word}"
        if word[0] != "#":
            yield from _pieces(word[:LONGEST_WORD])


def _words(text: str) -> list[str]:
    for pattern, name in _SHAPES:
        text = pattern.sub(name, text)
    return ["0" if word[0].isdigit() else word for word in _WORD.findall(text.lower())]


def _pieces(word: str) -> Iterator[str]:
    bounded = f"<{word}>"
    for size in PIECES:
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
        """The most frequent grams of the texts, of those that stand in several."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update(set(grams(text)))
        frequent = ((-count, gram) for gram, count in seen.items() if count >= FEWEST)
        kept = [gram for _, gram in sorted(frequent)[:MAX_FEATURES]]
        counts = np.array([seen[gram] for gram in kept], np.float32)
        weights = np.log((1 + len(texts)) / (1 + counts)) + 1
        return cls({gram: at for at, gram in enumerate(kept)}, weights.astype(np.float32))

    def rows(self, texts: Sequence[str]) -> Rows:
        """Each row has the length SHARE, or is empty where no gram is known."""
        starts = [0]
        columns: list[Positions] = []
        values: list[Floats] = []
        for text in texts:
            found, counts = self._counted(text)
            weighted = (1 + np.log(counts)) * self.weights[found]
            columns.append(found)
            length = float(np.linalg.norm(weighted))
            values.append((weighted * (SHARE / max(length, 1e-9))).astype(np.float32))
            starts.append(starts[-1] + len(found))
        if not texts:
            return Rows(np.zeros(1, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))
        return Rows(np.array(starts, np.int32), np.concatenate(columns), np.concatenate(values))

    def _counted(self, text: str) -> tuple[Positions, Floats]:
        counted = Counter(at for gram in grams(text) if (at := self.columns.get(gram)) is not None)
        return np.array(list(counted), np.int32), np.array(list(counted.values()), np.float32)
