"""Parts of days: "this morning", "last night", "Monday evening", "in the afternoon", "the night of Nov 3rd"."""

from __future__ import annotations

from actors.nlp.sentence import Sentence
from actors.nlp.times import dates
from actors.nlp.times.days import DayBefore, DaysBack
from actors.nlp.times.expressions import PartOfDay
from actors.nlp.times.vocabulary import PART_WORDS, PartName

Parsed = tuple[PartOfDay, int]


def part_of_day(s: Sentence, at: int) -> Parsed | None:
    """Begins at token `at`; the position after it comes with it."""
    return _own_word(s, at) or _led(s, at) or _of_day(s, at) or _day_first(s, at)


def _own_word(s: Sentence, at: int) -> Parsed | None:
    if s.word(at) == "tonight":
        return PartOfDay("night"), at + 1
    if s.word(at) == "overnight":
        return PartOfDay("night", DaysBack(1)), at + 1
    if s.follows(at, "the", "night", "before", "last"):
        return PartOfDay("night", DaysBack(2)), at + 4
    return None


def _led(s: Sentence, at: int) -> Parsed | None:
    """ "this morning", "last night", "all morning", "in the afternoon", "at night" """
    lead = s.word(at)
    start = at + 1
    if lead in ("this", "last", "yesterday", "all", "previous") or s.follows(at, "the", "previous"):
        start = at + 2 if lead == "the" else at + 1
        part = _named(s, s.skip(start, "early", "late"))
        if part is None or lead == "yesterday":
            return None
        return PartOfDay(part[0], None if lead in ("this", "all") else DaysBack(1)), part[1]
    if lead in ("in", "during", "over") and s.word(at + 1) == "the":
        part = _named(s, s.skip(at + 2, "early", "late"))
        ends = part is not None and s.word(part[1]) != "of"
        return (PartOfDay(part[0], latest=True), part[1]) if part and ends else None
    if lead == "at" and s.word(at + 1) in ("night", "nite"):
        return PartOfDay("night", latest=True), at + 2
    return None


def _of_day(s: Sentence, at: int) -> Parsed | None:
    """ "the morning of Nov 3rd", "the evening before yesterday" """
    part = _named(s, s.skip(at, "the"))
    if part is None or s.word(part[1]) not in ("of", "on"):
        return None
    day = dates.day(s, part[1] + 1)
    return (PartOfDay(part[0], day[0]), day[1]) if day else None


def _day_first(s: Sentence, at: int) -> Parsed | None:
    """ "yesterday morning", "Monday in the evening", "Nov 3rd, at night", "late yesterday evening" """
    day = dates.day(s, at)
    if day is None:
        return None
    start = s.skip(day[1], ",")
    start = s.past(start, ("in", "the"), ("during", "the"), ("at",))
    part = _named(s, s.skip(s.skip(start, "the"), "early", "late"))
    if part is None:
        return None
    found = day[0]
    return PartOfDay(part[0], DayBefore(found, 0) if s.word(at) == "today" else found), part[1]


def _named(s: Sentence, at: int) -> tuple[PartName, int] | None:
    name = s.word(at)
    return (PART_WORDS[name], at + 1) if name in PART_WORDS else None
