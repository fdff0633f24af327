"""Phrases of one or more words, found word by word: "error rate", "error-rate" and "error_rate" are the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from actors.nlp.sentence import Sentence
from actors.nlp.tokens import tokenize

T = TypeVar("T")
_JOINTS = ("-", "_")


class _Node(Generic[T]):
    __slots__ = ("next", "value")

    def __init__(self) -> None:
        self.next: dict[str, _Node[T]] = {}
        self.value: T | None = None


class Phrases(Generic[T]):
    """Looking one up costs as many steps as it has words."""

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        self._root: _Node[T] = _Node()
        for phrase, value in phrases:
            node = self._root
            for token in tokenize(phrase):
                if token.text not in _JOINTS:
                    node = node.next.setdefault(token.text, _Node())
            node.value = value

    def at(self, s: Sentence, at: int) -> tuple[T, int] | None:
        """The longest phrase that begins at token `at`, and the token after it."""
        node, found = self._root.next.get(s.word(at)), None
        while node is not None:
            at += 1
            if node.value is not None:
                found = node.value, at
            if not node.next:
                break
            if s.word(at) in _JOINTS and s[at].glued and s[at + 1].glued:
                at += 1
            node = node.next.get(s.word(at))
        return found

    def before(self, s: Sentence, at: int, longest: int = 4) -> tuple[T, int] | None:
        """The longest phrase that ends before token `at`, and where it begins."""
        for start in range(max(0, at - longest), at):
            found = self.at(s, start)
            if found is not None and found[1] == at:
                return found[0], start
        return None


def listed(text: str) -> tuple[str, ...]:
    """The phrases of a table's entry: one a line, or separated by "|"."""
    return tuple(phrase for line in text.splitlines() for part in line.split("|") if (phrase := part.strip()))
