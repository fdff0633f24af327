"""Words understood with one slip of the pen: a letter left out, added, changed, or exchanged with the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LONGEST = 20


class Spelling:
    """`real` are words of their own, however close they look."""

    def __init__(self, words: Iterable[str], real: frozenset[str] = frozenset()) -> None:
        self._words = frozenset(words)
        self._real = real
        self._index: dict[str, tuple[str, ...]] = {}
        for word in sorted(self._words):
            for shorter in (word, *_without_one(word)):
                self._index[shorter] = (*self._index.get(shorter, ()), word)

    def right(self, word: str) -> str:
        """The word that is meant; the word itself where it is known or like none."""
        if word in self._words or word in self._real or len(word) > LONGEST:
            return word
        # Two words one slip apart meet where each has lost at most one letter.
        for shorter in (word, *_without_one(word)):
            for candidate in self._index.get(shorter, ()):
                if one_slip(word, candidate):
                    return candidate
        return word


def _without_one(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def one_slip(word: str, other: str) -> bool:
    if len(word) > len(other):
        word, other = other, word
    if len(other) - len(word) > 1:
        return False
    at = next((place for place, letter in enumerate(word) if letter != other[place]), len(word))
    if len(word) < len(other):
        return word[at:] == other[at + 1 :]
    exchanged = word[at : at + 2] == other[at : at + 2][::-1]
    return word[at + 1 :] == other[at + 1 :] or (exchanged and word[at + 2 :] == other[at + 2 :])
