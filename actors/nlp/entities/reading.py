"""One text in the ways the rules look at it: as tokens, as units, and by what is already taken.

A unit is what stands between spaces, without the punctuation around it: `checkout-v2`, `/api/orders`, `payment's`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from actors.nlp.entities.found import Named
from actors.nlp.entities.lexicon import SPELLING, Tag, tag_of
from actors.nlp.sentence import Sentence
from actors.nlp.tokens import Token, tokenize

_UNIT = re.compile(r"[^\s,;()\[\]{}<>=|\"“”„«»‹›…?!`→]+")
_STRIPPED_LEFT = "'‘’*_~–—.:&%^-"
_STRIPPED_RIGHT = "'‘’*_~–—.:&^-"
_POSSESSIVE = re.compile(r"['’]s?\Z", re.IGNORECASE)
_LIST = re.compile(r"[^\W\d_][\w-]*(?:/[^\W\d_][\w-]*)\Z")
_IMAGE = re.compile(r"([a-z][a-z-]{1,60}):v?\d[\w.-]{0,40}\Z", re.IGNORECASE)
"""A name with its version: `billing:2.4.1`."""
SHORTEST_CORRECTED = 4


@dataclass(frozen=True, slots=True)
class Unit:
    """`text` is in lower case, `raw` as written. `token` is the first of its tokens, `after` the one after its
    last. `gap` is what stands between it and the unit before."""

    text: str
    raw: str
    start: int
    end: int
    token: int
    after: int
    gap: str
    possessive: bool
    tag: int

    @property
    def plain(self) -> bool:
        """Letters only."""
        return self.text.isalpha()


class Board:
    """Which characters of the text belong to something already. Asking costs the same however much is taken."""

    def __init__(self, length: int, taken: Iterable[tuple[int, int]] = ()) -> None:
        self._taken = bytearray(length)
        for start, end in taken:
            self.take(start, end)

    def free(self, start: int, end: int) -> bool:
        return self._taken.find(1, start, end) < 0

    def take(self, start: int, end: int) -> None:
        self._taken[start:end] = b"\1" * (end - start)


class Reading:
    """`s` has the tokens with words of the trade spelt right; spans are those of the text."""

    def __init__(self, text: str, known: frozenset[str] = frozenset()) -> None:
        """`known` words are never taken for misspelt ones."""
        self.text = text
        self.tokens = tokenize(text)
        self.s = Sentence(tuple(_corrected(self.tokens, known)))
        self.units = tuple(_units(text, self.s.tokens))
        self.words = tuple(token.text for token in self.tokens if token.kind in ("word", "number"))
        self.board = Board(len(text))

    def unit(self, at: int) -> Unit:
        return self.units[at] if 0 <= at < len(self.units) else NO_UNIT

    def word(self, at: int) -> str:
        """The unit's text in lower case; empty beyond the ends."""
        return self.units[at].text if 0 <= at < len(self.units) else ""

    def has(self, words: frozenset[str]) -> bool:
        return not words.isdisjoint(token.text for token in self.s.tokens)

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Characters of the tokens from `first` up to `after`."""
        return self.s[first].start, self.s[after - 1].end


def taken(reading: Reading, found: Iterable[tuple[int, int, str]]) -> tuple[Named, ...]:
    """Of spans with their values those that are free; they take their places."""
    named: list[Named] = []
    for start, end, value in found:
        if reading.board.free(start, end):
            reading.board.take(start, end)
            named.append(Named(start, end, value))
    return tuple(named)


NO_UNIT = Unit("", "", 0, 0, 0, 0, "", possessive=False, tag=Tag.NONE)


def _corrected(tokens: tuple[Token, ...], known: frozenset[str]) -> Iterator[Token]:
    for at, token in enumerate(tokens):
        alone = not token.glued and (at + 1 == len(tokens) or not _joins(tokens[at + 1]))
        if token.kind != "word" or len(token.text) < SHORTEST_CORRECTED or not alone or token.text in known:
            yield token
            continue
        right = SPELLING.right(token.text)
        yield token if right == token.text else replace(token, text=right)


def _joins(token: Token) -> bool:
    return token.glued and token.text in ("-", "_", "/", ".", "@")


def _units(text: str, tokens: tuple[Token, ...]) -> Iterator[Unit]:
    last, at = 0, 0
    for start, last_mark in _pieces(text):
        possessive = _POSSESSIVE.search(text[start:last_mark]) is not None and last_mark - start > 2
        raw = _POSSESSIVE.sub("", text[start:last_mark]) if possessive else text[start:last_mark]
        end = start + len(raw)
        while at < len(tokens) and tokens[at].end <= start:
            at += 1
        after = at
        while after < len(tokens) and tokens[after].start < end:
            after += 1
        single = after == at + 1 and tokens[at].kind == "word"
        lower = tokens[at].text if single else raw.lower()
        yield Unit(lower, raw, start, end, at, after, text[last:start], possessive, tag_of(lower))
        last = end


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    for match in _UNIT.finditer(text):
        piece = match[0]
        left = _punctuation_before(piece)
        start, end = match.start() + left, match.start() + len(piece.rstrip(_STRIPPED_RIGHT))
        if start >= end:
            continue
        image = _IMAGE.match(text, start, end)
        if image is not None:
            yield start, image.end(1)
            yield image.end(1) + 1, end
        elif _LIST.match(text[start:end]) and not _is_path(text[start:end]):
            yield from _split(text, start, end)
        else:
            yield start, end


def _punctuation_before(piece: str) -> int:
    """Characters; what belongs to a number or a path stays: "-1", ".5", "./run"."""
    left = len(piece) - len(piece.lstrip(_STRIPPED_LEFT))
    number = left and piece[left - 1] in "-." and piece[left : left + 1].isdigit()
    path = left and piece[left - 1] == "." and piece[left : left + 1] == "/"
    return left - 1 if number or path else left


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """ "checkout/payment" is two."""
    at = start
    for part in text[start:end].split("/"):
        yield at, at + len(part)
        at += len(part) + 1


_ROOTS = frozenset(
    {
        "src",
        "lib",
        "app",
        "apps",
        "test",
        "tests",
        "pkg",
        "cmd",
        "internal",
        "packages",
        "services",
        "actors",
        "api",
    }
    | {
        "modules",
        "spec",
        "specs",
        "core",
        "schemas",
        "server",
        "client",
        "backend",
        "frontend",
        "components",
        "e2e",
    }
    | {
        "unit",
        "integration",
        "gateway",
        "scripts",
        "tools",
        "utils",
        "docs",
        "deploy",
        "config",
        "origin",
        "feature",
    }
)


def _is_path(text: str) -> bool:
    return text.partition("/")[0].lower() in _ROOTS
