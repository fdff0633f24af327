"""Thresholds: a number to compare with, "above 2 %", "slower than 500ms", "3s or more", "the 500ms mark"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from actors.nlp.entities.found import FoundThreshold
from actors.nlp.entities.measures import Measure, measure
from actors.nlp.entities.reading import Reading
from actors.nlp.entities.tables import table, words
from actors.nlp.phrases import Phrases, listed
from schemas.plans import Operator, Threshold

_OPERATORS: Phrases[Operator] = Phrases(
    (phrase, operator)
    for operator in get_args(Operator)
    for phrase in listed(str(table("measures")["operators"].get(operator, "")))
)
_AFTER: Phrases[Operator] = Phrases(
    (phrase, operator)
    for operator in get_args(Operator)
    for phrase in listed(str(table("measures")["after"].get(operator, "")))
)
_BETWEEN = words("measures", "between")
_MARKS_BEFORE, _MARKS_BETWEEN = words("measures", "marks", "before"), words("measures", "marks", "between")
_MARKS_AFTER = words("measures", "marks", "after")
_SCALING = words("measures", "scaling", "verbs")
_THINGS = words("measures", "scaling", "things")
_CONDITIONS = frozenset(
    {"if", "when", "once", "unless", "whenever", "alert", "page", "notify", "warn", "until", "while"}
)
_STANDS = frozenset({"is", "at", "by", "was", "are"})
_CODES = frozenset({"status", "code", "codes", "http", "sev", "severity", "port", "version", "than version"})
_NEEDS_UNIT = frozenset({"taking", "takes", "took"})
MOST_BETWEEN = 3


def find_thresholds(reading: Reading) -> tuple[FoundThreshold, ...]:
    """Each takes its number and unit on the board."""
    found: list[FoundThreshold] = []
    at = 0
    while at < len(reading.s):
        here = _led(reading, at) or _followed(reading, at) or _marked(reading, at) or _conditional(reading, at)
        if here is None:
            at += 1
            continue
        threshold, at = here
        reading.board.take(threshold.start, threshold.end)
        found.append(threshold)
    return tuple(found)


def _led(reading: Reading, at: int) -> tuple[FoundThreshold, int] | None:
    s = reading.s
    operator = _OPERATORS.at(s, at)
    if operator is None or s.word(at - 1) in _CODES:
        return None
    start = operator[1]
    while start < operator[1] + MOST_BETWEEN and s.word(start) in _BETWEEN and s.word(start + 1):
        if s.word(start) in ("a", "an", "the") and measure(reading, start):
            break
        start += 1
    here = measure(reading, start)
    if here is None or not _free(reading, here) or _counts_replicas(reading, at, operator[1], here):
        return None
    if not here.unit and {s.word(at), s.word(at - 1)} & _NEEDS_UNIT:
        return None  # "I'm taking over 778"
    if s.word(at) == ">" and s[at].glued and s.word(at - 1) == "-":
        return None  # an arrow
    return _made(reading, here, operator[0], leads=s[at].start), here.after


def _counts_replicas(reading: Reading, at: int, after: int, here: Measure) -> bool:
    """ "scale up to 5", "at least 3 pods" in an order to scale: how many, not what to compare with."""
    s = reading.s
    if here.unit:
        return False
    upto = s.follows(at, "up", "to") or s.word(at) in ("within", "hit", "past")
    scaling = any(s.word(place) in _SCALING for place in range(max(0, at - 6), at))
    return scaling and (upto or s.word(here.after) in _THINGS or s.word(after - 1) == "to")


def _followed(reading: Reading, at: int) -> tuple[FoundThreshold, int] | None:
    """ "500ms or more", "80%+" """
    here = measure(reading, at)
    if here is None or not here.unit:
        return None
    operator = _AFTER.at(reading.s, here.after)
    if operator is None or not _free(reading, here):
        return None
    if reading.s.word(here.after) == "+" and not reading.s[here.after].glued:
        return None
    return _made(reading, here, operator[0], leads=reading.s[at].start), operator[1]


def _marked(reading: Reading, at: int) -> tuple[FoundThreshold, int] | None:
    """ "our target of 99.9 %", "the 500ms mark" """
    here = measure(reading, at)
    if here is None or not here.unit or not _free(reading, here):
        return None
    before = at - 1
    while before > at - 4 and reading.s.word(before) in _MARKS_BETWEEN:
        before -= 1
    after = {reading.s.word(here.after), reading.s.word(here.after + 1)}  # "99.9 % availability target"
    if reading.s.word(before) not in _MARKS_BEFORE and not after & _MARKS_AFTER:
        return None
    return _made(reading, here, ">", leads=reading.s[at].start, explicit=False), here.after


def _conditional(reading: Reading, at: int) -> tuple[FoundThreshold, int] | None:
    """ "page me when cpu is at 90%", "memory is at 95 %" """
    here = measure(reading, at)
    if here is None or not here.unit or not _free(reading, here):
        return None
    conditional = any(reading.s.word(place) in _CONDITIONS for place in range(max(0, at - 12), at))
    if not conditional and not (here.text.endswith("%") and reading.s.word(at - 1) in _STANDS):
        return None
    operator: Operator = ">=" if reading.s.word(at - 1) in ("at", "is") else ">"
    return _made(reading, here, operator, leads=reading.s[at].start, explicit=False), here.after


def _free(reading: Reading, here: Measure) -> bool:
    return reading.board.free(*reading.span(here.first, here.after))


def _made(
    reading: Reading, here: Measure, operator: Operator, *, leads: int, explicit: bool = True
) -> FoundThreshold:
    start, end = reading.span(here.first, here.after)
    threshold = Threshold(operator=operator, value=here.value, text=here.text)
    return FoundThreshold(start, end, here.text, threshold, leads, explicit)


def operators_before(reading: Reading, tokens: Iterator[int]) -> bool:
    """True when one of the tokens begins words of comparison."""
    return any(_OPERATORS.at(reading.s, at) for at in tokens)
