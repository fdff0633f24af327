"""Durations: "90m", "1h30m", "2 hours and 30 minutes", "an hour and a half".

Every function returns what begins at token `at` and the position after it, or None.
"""

from __future__ import annotations

from actors.nlp.amounts import PARTS, number
from actors.nlp.sentence import Sentence
from actors.nlp.times.expressions import Duration
from actors.nlp.times.vocabulary import LETTERS, MONTHS_IN, SECONDS, TO, UNIT_SPELLING, UNITS, Unit

Measured = tuple[Duration, Unit, int]
"""The length, the unit named first, the position after it."""


def unit(s: Sentence, at: int, *, misspelt: bool = False) -> tuple[Unit, int] | None:
    if s[at].glued and s.word(at) == "-" and s[at + 1].glued:
        at += 1  # "24-hour"
    token = s[at]
    if token.glued and s[at - 1].kind == "number" and token.text in LETTERS:
        return LETTERS[token.text], at + 1
    if token.text in UNITS:
        return UNITS[token.text], at + 1
    right = UNIT_SPELLING.right(token.text) if misspelt and token.kind == "word" else ""
    return (UNITS[right], at + 1) if right in UNITS else None


def amount(s: Sentence, at: int) -> tuple[float, int] | None:
    """A number, "a", "an", "half an", "a quarter of an"."""
    start = s.skip(at, "a", "an", "one")
    if s.word(start) == "quarter" and s.word(start + 1) == "of" and s.word(start + 2) in ("an", "a"):
        return 0.25, start + 3
    if s.word(start) == "quarter" and s.word(start + 1) in ("hour", "hours"):
        return 0.25, start + 1
    if s.follows(at, "three", "quarters", "of", "an"):
        return 0.75, at + 4
    found = number(s, at)
    if found is not None:
        return found
    return (1.0, at + 1) if s.word(at) in ("a", "an") else None


def times_unit(value: float, of: Unit) -> Duration | None:
    """None for parts of a month: they have no length."""
    if of in MONTHS_IN:
        months = value * MONTHS_IN[of]
        return Duration(months=int(months)) if months == int(months) else None
    return Duration(seconds=value * SECONDS[of])


def duration(s: Sentence, at: int) -> Measured | None:
    """The unit is the first one named. Of a range ("2-3 hours", "an hour or two") the longer."""
    first = _measure(s, at)
    if first is None:
        return _half_after(s, at)
    total, first_unit, after = first
    extra = _fraction(s, after, first_unit)
    if extra is not None:
        return total + extra[0], first_unit, extra[1]
    more = number(s, after + 1) if s.word(after) == "or" else None
    longer = times_unit(more[0], first_unit) if more is not None else None
    if longer is not None and more is not None:
        return longer, first_unit, more[1]
    after = s.past(after, ("or", "so"))
    return _compound(s, total, first_unit, after)


def _half_after(s: Sentence, at: int) -> Measured | None:
    """ "half hour", as in "the last half hour", is a measure; "hour and a half" has no number before it."""
    of = unit(s, at)
    if of is None:
        return None
    extra, whole = _fraction(s, of[1], of[0]), times_unit(1.0, of[0])
    return (whole + extra[0], of[0], extra[1]) if extra and whole else None


def _fraction(s: Sentence, after: int, of: Unit) -> tuple[Duration, int] | None:
    """ "… and a half" """
    end = s.past(after, ("and", "a", "half"), ("and", "half"))
    half = times_unit(0.5, of) if end > after else None
    return (half, end) if half else None


def _compound(s: Sentence, total: Duration, first_unit: Unit, after: int) -> Measured:
    """ "1h30m", "1h30", "2 hours and 30 minutes" """
    for _ in range(3):
        start = s.skip(after, "and", ",")
        if s[start].kind != "number":
            break
        more = _measure(s, start)
        if more is not None:
            total, after = total + more[0], more[2]
        elif first_unit == "hour" and start == after and s[after].glued and len(s.word(after)) == 2:
            return total + Duration(seconds=60 * float(s.word(after))), first_unit, after + 1
        else:
            break
    return total, first_unit, after


def _measure(s: Sentence, at: int) -> Measured | None:
    found = amount(s, at)
    if found is None:
        return None
    value, after = found
    more = number(s, after + 1) if s.word(after) in TO or s.word(after) == "or" else None
    if more is not None and more[0] > value and (s.word(after) != "-" or s[at].kind == "number"):
        value, after = more
    of = unit(s, after, misspelt=True)
    if of is None and s.word(after) in ("full", "whole", "consecutive", "good", "solid", "complete"):
        of = unit(s, after + 1)
    length = times_unit(value, of[0]) if of else None
    return (length, of[0], of[1]) if of and length else None


def starts_amount(word: str) -> bool:
    return word in PARTS or word in ("a", "an")
