"""Time counted from now: "the last 30 minutes", "3 days ago", "this week", "the hour before that"."""

from __future__ import annotations

from actors.nlp.times import quantities as q
from actors.nlp.times.expressions import (
    Ago,
    BeforeThat,
    Current,
    DaysBack,
    Duration,
    Elapsed,
    Expression,
    MonthsBack,
    Previous,
    WholeDay,
)
from actors.nlp.times.sentence import Sentence
from actors.nlp.times.vocabulary import BACKWARD, SECONDS, Unit

Parsed = tuple[Expression, int]
COMPARING = frozenset(
    {"above", "below", "under", "than", "exceeds", "least", "most", "in", "to", "after", "is", "by", "<", ">", "="}
)
"""Before a number they make it a threshold, or the future."""


def elapsed(s: Sentence, at: int) -> Parsed | None:
    """ "the last 30 minutes", "past week", "last hour" """
    start = s.skip(at, "the")
    if s.word(start) not in BACKWARD:
        return None
    found = q.duration(s, start + 1)
    if found is not None:
        return Elapsed(found[0]), found[2]
    unit = q.unit(s, start + 1)
    if unit is None:
        return None
    after = unit[1]
    if s.follows(after, "and", "a", "half") and unit[0] in SECONDS:
        return Elapsed(Duration(seconds=1.5 * SECONDS[unit[0]])), after + 3
    return _one_back(s.word(start), unit[0]), after


def _one_back(word: str, unit: Unit) -> Expression:
    if unit in ("week", "month", "year") and word in ("last", "previous", "preceding"):
        return Previous(unit)
    if unit == "day" and word in ("previous", "preceding"):
        return WholeDay(DaysBack(1))
    length = q.times_unit(1.0, unit)
    if length is None:
        raise ValueError(f"one {unit} has no length")
    return Elapsed(length)


def ago(s: Sentence, at: int) -> tuple[Ago | WholeDay, int] | None:
    found = q.duration(s, at)
    if found is None or s.word(found[2]) != "ago":
        return None
    length, unit, after = found
    if unit in ("hour", "minute", "second"):
        return Ago(length, unit), after + 1
    if length.months:
        return WholeDay(MonthsBack(length.months)), after + 1
    days = length.seconds / SECONDS["day"]
    return (WholeDay(DaysBack(int(days))), after + 1) if days == int(days) else None


def lasting(s: Sentence, at: int) -> Parsed | None:
    """ "over 30 minutes", and "24h" written as computers do; "over 5 seconds" is a threshold."""
    found = q.duration(s, at)
    if found is None or found[1] == "second" or s.word(found[2]) in ("ago", "before", "later", "old", "long"):
        return None
    over = s.word(at - 1) in ("over", "within")
    terse = s[at].kind == "number" and s[at + 1].glued and s.word(at - 1) not in COMPARING
    return (Elapsed(found[0]), found[2]) if over or terse else None


def current(s: Sentence, at: int) -> Parsed | None:
    start = s.skip_so_far(at)
    unit = q.unit(s, start + 1) if s.word(start) == "this" else None
    if unit is None or unit[0] not in ("hour", "day", "week", "month", "year"):
        return None
    return Current(unit[0]), s.skip_so_far(unit[1])


def before_that(s: Sentence, at: int) -> Parsed | None:
    """ "the hour before that", "the 30 minutes before" """
    if s.word(at) != "the":
        return None
    found = q.duration(s, at + 1)
    unit = q.unit(s, at + 1) if found is None else None
    length, after = (found[0], found[2]) if found else (q.times_unit(1, unit[0]), unit[1]) if unit else (None, at)
    if length is None or s.word(after) != "before" or q.day(s, after + 1):
        return None
    return BeforeThat(length), s.skip(after + 1, "that", "this")
