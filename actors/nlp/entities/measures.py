"""A number with its unit: "500ms", "2 %", "1.5k rps", "half a second", "$200", in base units and as written."""

from __future__ import annotations

from dataclasses import dataclass

from actors.nlp.amounts import NUMBER_WORDS, number
from actors.nlp.entities.reading import Reading
from actors.nlp.entities.tables import table, words
from actors.nlp.phrases import Phrases
from actors.nlp.sentence import Sentence

_UNITS: Phrases[tuple[float, bool]] = Phrases(
    (unit, (float(factor), section == "close"))
    for section in ("close", "apart")
    for unit, factor in table("measures")[section].items()
)
_SCALES: dict[str, float] = {scale: float(factor) for scale, factor in table("measures")["scales"].items()}
_MONEY = words("measures", "money", "signs")
_BEGINS = _MONEY | NUMBER_WORDS | {"a", "an", "the"}
_ONLY_GLUED = frozenset({"m", "d", "b", "x"})
"""One letter away from the number is no unit: "5 m" may be anything."""


@dataclass(frozen=True, slots=True)
class Measure:
    """`first` to `after` are its tokens. `value` is in base units; `text` as written, with a short unit joined."""

    first: int
    after: int
    value: float
    text: str
    unit: str
    """In lower case; empty for a bare number."""


def measure(reading: Reading, at: int) -> Measure | None:
    """The one that begins at token `at`."""
    s = reading.s
    if s[at].kind != "number" and s.word(at) not in _BEGINS:
        return None
    money = s.word(at) in _MONEY
    found = scaled(s, at + 1 if money else at, money=money)
    if found is None:
        single = _unit(s, at + 1) if s.word(at) in ("a", "an") else None
        if single is None or single[0][1]:
            return None
        found = 1.0, at + 1
    value, after = found
    unit = _unit(s, after)
    if unit is None:
        return Measure(at, after, value, _written(reading, at, after), s.word(at) if money else "")
    (factor, close), end = unit
    joint = "" if close or s[after].glued else " "
    text = f"{_written(reading, at, after)}{joint}{_written(reading, after, end)}"
    return Measure(at, end, value * factor, text, _written(reading, after, end).lower())


def scaled(s: Sentence, at: int, *, money: bool = False) -> tuple[float, int] | None:
    """ "1.5k" is 1500. An "m" is a million after a sign of money, else minutes."""
    found = number(s, at)
    if found is None:
        return None
    value, after = found
    scale = _SCALES.get(s.word(after)) if s[after].glued and s[after - 1].kind == "number" else None
    if scale is None or (s.word(after) == "m" and not money):
        return found
    return value * scale, after + 1


def _unit(s: Sentence, at: int) -> tuple[tuple[float, bool], int] | None:
    hyphen = s.word(at) == "-" and s[at].glued and s[at + 1].glued
    start = at + 1 if hyphen else at
    found = _UNITS.at(s, start)
    if found is None or (s.word(start) in _ONLY_GLUED and found[1] == start + 1 and not s[start].glued):
        return None
    return found


def _written(reading: Reading, first: int, after: int) -> str:
    start, end = reading.span(first, after)
    return " ".join(reading.text[start:end].split())
