"""Time counted from now: "the last 30 minutes", "3 days ago", "this week", "the next 24 hours".

Every function returns what begins at token `at` and the position after it, or None.
"""

from __future__ import annotations

from actors.nlp.amounts import number
from actors.nlp.sentence import Sentence
from actors.nlp.times import durations as q
from actors.nlp.times.days import DayBeforeThat, DaysBack
from actors.nlp.times.expressions import (
    Ago,
    AgoRange,
    Ahead,
    BeforeThat,
    Coming,
    Current,
    Duration,
    Elapsed,
    EndOf,
    Expression,
    Previous,
    StartOf,
    WholeDay,
)
from actors.nlp.times.vocabulary import (
    AHEAD,
    BACKWARD,
    COMPARING,
    CURRENT,
    SECONDS,
    STEPS,
    TO,
    UNITS,
    WHOLE,
    Unit,
)

Parsed = tuple[Expression, int]
CALENDAR_UNITS: tuple[Unit, ...] = ("week", "month", "quarter", "year")
WHOLE_WORDS = ("full", "complete", "completed", "whole", "entire", "calendar")
AGO = ("ago", "back", "earlier", "prior")
LASTING = ("over", "within", "for", "during")


def elapsed(s: Sentence, at: int) -> Parsed | None:
    """ "the last 30 minutes", "past week", "last hour", "these past three days" """
    start = s.skip(s.skip(at, "the", "these", "this", "our"), "very")
    if s.word(start) not in BACKWARD or (s.word(start) == "past" and s.word(at - 1) in ("half", "quarter")):
        return None
    second = start + 1 if s.word(start + 1) in BACKWARD and s.word(start + 1) != s.word(start) else start
    found = q.duration(s, second + 1)
    if found is not None and s.word(found[2]) not in AGO:
        return Elapsed(found[0]), found[2]
    whole = s.skip(second + 1, *WHOLE_WORDS)
    unit = q.unit(s, whole, misspelt=True)
    if unit is None or s.word(start) == "recent":
        return None
    if whole > second + 1:
        return Previous(unit[0]), unit[1]
    after = s.past(unit[1], ("or", "so"))
    return _one_back(s.word(start), unit[0]), after


def _one_back(word: str, unit: Unit) -> Expression:
    if unit in CALENDAR_UNITS and word in WHOLE:
        return Previous(unit)
    if unit == "day" and word in ("previous", "preceding", "prior"):
        return WholeDay(DaysBack(1))
    length = q.times_unit(1.0, unit)
    if length is None:
        raise ValueError(f"one {unit} has no length")
    return Elapsed(length)


# --- ago ---------------------------------------------------------------------------------------------


def ago(s: Sentence, at: int) -> Parsed | None:
    """ "3 hours ago", "10 minutes back", "2 to 3 hours ago" """
    between = _ago_range(s, at)
    if between is not None:
        return between
    found = q.duration(s, at)
    if found is None or s.word(found[2]) not in AGO[:2]:
        return None
    length, unit, after = found
    if unit in ("hour", "minute", "second"):
        return Ago(length, unit), after + 1
    return None  # days are read as days: "3 days ago at 14:00"


def _ago_range(s: Sentence, at: int) -> Parsed | None:
    start_at = s.skip(at, "between", "from")
    first = number(s, start_at)
    if first is None or s.word(first[1]) not in (*TO, "and"):
        return None
    second = q.duration(s, first[1] + 1)
    if second is None or s.word(second[2]) != "ago":
        return None
    start = q.times_unit(first[0], second[1])
    return (AgoRange(start, second[0]), second[2] + 1) if start else None


# --- a duration alone --------------------------------------------------------------------------------


def lasting(s: Sentence, at: int) -> Parsed | None:
    """ "over 30 minutes", "for two hours", and "24h" written as computers do; "over 5 seconds" is a threshold."""
    found = q.duration(s, at)
    if found is None or found[1] == "second" or s.word(found[2]) in STEPS:
        return None
    lead = s.word(at - 1)
    if lead == "over" and s.word(at - 2) in (
        "is",
        "are",
        "was",
        "were",
        "takes",
        "taking",
        "took",
        "goes",
        "stays",
    ):
        return None
    if _describes(s, at, found[2]):
        return Elapsed(found[0]), found[2]
    if s.word(at) in ("a", "an") and s.word(at + 1) not in (
        "couple",
        "few",
        "half",
        "quarter",
        "hundred",
        "dozen",
    ):
        return None  # "for a day" says no more than "a while"
    over = lead in LASTING or (lead == "in" and s.word(at - 2) not in ("time", "are", "is"))
    terse = s[at].kind == "number" and s[at + 1].glued and lead not in COMPARING
    return (Elapsed(found[0]), found[2]) if over or terse else None


def _describes(s: Sentence, at: int, after: int) -> bool:
    """ "(the) 30 day availability": the singular says that what follows is meant over that time."""
    last = s.word(after - 1)
    many = s[at].kind == "number" and s.word(at) not in ("1", "0") and after <= at + 3
    return many and last in ("minute", "hour", "day", "week", "month") and s[after].kind == "word"


def since_duration(s: Sentence, at: int) -> Parsed | None:
    """ "since 3 days", "since two hours": elapsed time, as many who learnt English later say it."""
    if s.word(at) not in ("since", "from"):
        return None
    found = q.duration(s, s.skip(at + 1, *("about", "around")))
    if found is None or s.word(found[2]) in (*AGO, "from", "before"):
        return None
    if s.word(at) == "from" and s.word(found[2]) in TO:
        return None
    return Elapsed(found[0]), found[2]


# --- the current unit --------------------------------------------------------------------------------


def current(s: Sentence, at: int) -> Parsed | None:
    """ "this week so far", "so far today", "month to date", "YTD", "all day" """
    to_date = {"mtd": "month", "ytd": "year", "wtd": "week", "qtd": "quarter"}.get(s.word(at))
    if to_date is not None:
        return Current(UNITS[to_date]), at + 1
    start = s.past(at, ("so", "far"))
    bare = q.unit(s, start)
    if bare is not None and s.follows(bare[1], "to", "date"):
        return Current(bare[0]), bare[1] + 2
    lead = s.skip(start, "the") if s.word(start + 1) == "current" else start
    unit = None
    if s.word(lead) in CURRENT:
        unit = q.unit(s, s.skip(lead + 1, "whole", "entire"), misspelt=True)
    elif s.word(start) == "all" and s.word(start + 1) in ("day", "week", "month", "year"):
        unit = q.unit(s, start + 1)
        return (Current(unit[0]), s.past(unit[1], ("long",), ("so", "far"))) if unit else None
    if unit is None or unit[0] in ("second", "fortnight"):
        return None
    return Current(unit[0]), s.past(unit[1], ("so", "far"), ("until", "now"), ("till", "now"))


def edge_of_unit(s: Sentence, at: int) -> tuple[EndOf | StartOf, int] | None:
    """ "the end of the week", "EOD", "the beginning of this month" """
    short = {"eod": "day", "eow": "week", "eom": "month", "eoq": "quarter", "eoy": "year"}.get(s.word(at))
    if short is not None:
        return EndOf(UNITS[short]), at + 1
    start = s.skip(at, "the")
    name = s.word(start)
    if name not in ("end", "start", "beginning", "begin") or s.word(start + 1) not in ("of", "day", "week"):
        return None
    inner = s.skip(s.skip(start + 1, "of"), "the", "this", "current")
    unit = ("day", inner + 1) if s.word(inner) in ("today", "business") else q.unit(s, inner)
    if unit is None:
        return None
    found = UNITS[unit[0]]
    return (EndOf(found) if name == "end" else StartOf(found)), unit[1]


# --- what lies ahead ---------------------------------------------------------------------------------


def ahead(s: Sentence, at: int) -> Parsed | None:
    """ "the next 24 hours", "next week", "two weeks from now", "in the coming days" """
    start = s.skip(at, "the")
    if s.word(start) in AHEAD:
        found = q.duration(s, start + 1)
        if found is not None:
            return Ahead(found[0]), found[2]
        unit = q.unit(s, start + 1, misspelt=True)
        if unit is None:
            return None
        length = q.times_unit(1.0, unit[0])
        elapsing = unit[0] in ("second", "minute", "hour", "day", "fortnight")
        return ((Ahead(length) if elapsing and length else Coming(unit[0])), unit[1])
    found = q.duration(s, at)
    if found is not None and s.word(found[2]) == "from" and s.word(found[2] + 1) in ("now", "today"):
        return Ahead(found[0]), found[2] + 2
    return None


def in_duration(s: Sentence, at: int) -> Parsed | None:
    """ "in 2 weeks", "within 3 days" in a question about what is to come."""
    if s.word(at - 1) not in ("in", "within", "for", "over"):
        return None
    found = q.duration(s, at)
    return (Ahead(found[0]), found[2]) if found and s.word(found[2]) not in AGO else None


# --- seen from the window asked for before -----------------------------------------------------------


def before_that(s: Sentence, at: int) -> Parsed | None:
    """ "the hour before that", "the 30 minutes before", "an hour earlier", "the day before" """
    found = q.duration(s, s.skip(at, "the"))
    unit = q.unit(s, at + 1) if found is None and s.word(at) == "the" else None
    if found is not None:
        length, of, after = found
        if s.word(at) != "the" and s.word(after) not in ("before", "earlier"):
            return None
    elif unit is not None:
        length, of, after = q.times_unit(1, unit[0]) or Duration(), unit[0], unit[1]
    else:
        return None
    if s.word(after) not in ("before", "earlier", "prior", "preceding"):
        return None
    end = s.skip(after + 1, "that", "this", "then", "it")
    if end == after + 1 and _goes_on(s, end):
        return None
    if of == "day" and not length.months:
        days = length.seconds / SECONDS["day"]
        return WholeDay(DayBeforeThat(int(days))), end
    return BeforeThat(length, of), end


def before_window(s: Sentence, at: int) -> Parsed | None:
    """ "the previous hour", "the preceding 3 days": after another window, so long a time before it."""
    start = s.skip(at, "the")
    if s.word(start) not in ("previous", "prior", "preceding", "last"):
        return None
    found = q.duration(s, start + 1)
    if found is not None:
        return BeforeThat(found[0], None), found[2]
    unit = q.unit(s, start + 1)
    if unit is None:
        return None
    length = q.times_unit(1.0, unit[0]) or Duration()
    return BeforeThat(length, unit[0]), unit[1]


def _goes_on(s: Sentence, at: int) -> bool:
    """ "the hour before the deploy" is no such window."""
    return s[at].kind in ("word", "number", "clock", "stamp") and s.word(at) not in (
        *("and", "or", "in", "for", "of", "on", "at", "was", "is", "too", "as", "please", "instead", "but", "vs"),
        *("compared", "with", "to", "by", "then", "were", "did", "does", "look", "looked"),
    )
