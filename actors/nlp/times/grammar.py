"""The grammar of time: which expression begins at a token, and where it ends.

    expression  = since | between | day-led | clock range | elapsed | ago | current | previous
                | weekend | part of day | month | "at" moment | duration before that
    since       = "since" edge | "from" edge ("on" | "onwards" | "until now")
    between     = ("between" | "from") edge ("and" | "to" | "until" | "-") edge [day]
    day-led     = day [between | clock range | "at" moment | part of day]
    edge        = [day] moment | expression

Every alternative looks at a bounded number of tokens, so a text costs time in proportion to its length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo

from actors.nlp.times import quantities as q
from actors.nlp.times.elapsed import Parsed, ago, before_that, current, elapsed, lasting
from actors.nlp.times.expressions import (
    Between,
    Day,
    DaysBack,
    Edge,
    Expression,
    Moment,
    NamedMonth,
    PartOfDay,
    Present,
    Since,
    Stamp,
    Weekend,
    WholeDay,
    Zoned,
)
from actors.nlp.times.sentence import Sentence
from actors.nlp.times.vocabulary import BACKWARD, MONTHS, NAMED_CLOCKS, NUMBERS, PART_WORDS

Rule = Callable[[Sentence, int], Parsed | None]
EdgeRule = Callable[[Sentence, int], tuple[Edge, int] | None]
TO = ("to", "until", "till", "through", "-", "–", "—")


def expression(s: Sentence, at: int) -> Parsed | None:
    """The longest expression that begins here."""
    found = [parsed for rule in RULES if (parsed := rule(s, at)) is not None]
    return max(found, key=lambda parsed: parsed[1], default=None)


# --- since and between -----------------------------------------------------------------------------


def _since(s: Sentence, at: int) -> Parsed | None:
    if s.word(at) not in ("since", "from"):
        return None
    found = _edge(s, at + 1)
    if found is None:
        return None
    edge, after = found
    if s.word(at) == "since":
        return Since(edge), after
    for ending in (("on",), ("onwards",), ("onward",), ("until", "now"), ("till", "now"), ("up", "to", "now")):
        if s.follows(after, *ending):
            return Since(edge), after + len(ending)
    return None


def _between(s: Sentence, at: int) -> Parsed | None:
    if s.word(at) not in ("between", "from"):
        return None
    return _with_day(s, _pair(s, at + 1, _joining(s, at), _edge))


def _clock_range(s: Sentence, at: int) -> Parsed | None:
    """ "14:00-14:30", "2 to 4pm" """
    if s[at].kind not in ("clock", "stamp", "number") and s.word(at) not in NAMED_CLOCKS:
        return None
    return _with_day(s, _pair(s, at, TO, _edge))


def _joining(s: Sentence, at: int) -> tuple[str, ...]:
    return ("and", *TO) if s.word(at) == "between" else TO


def _pair(s: Sentence, at: int, joining: tuple[str, ...], edge: EdgeRule) -> tuple[Between, int] | None:
    first = edge(s, at) or q.moment(s, at, bare=True)
    if first is None or s.word(first[1]) not in joining:
        return None
    second = edge(s, first[1] + 1) or _bare_end(s, first[0], first[1] + 1)
    if second is None or isinstance(first[0], Present):
        return None
    start, end = _same_zone(_same_half(s, at, first[0], second), second[0])
    return (Between(start, end), second[1]) if start is not None else None


def _bare_end(s: Sentence, start: Edge, at: int) -> tuple[Edge, int] | None:
    """ "from 14:00 to 15": an hour alone only after a full clock time."""
    if not isinstance(start, Moment) or start.hourly:
        return None
    return q.moment(s, at, bare=True)


def _same_half(s: Sentence, at: int, first: Edge, second: tuple[Edge, int]) -> Edge | None:
    """An hour alone takes am or pm from the end ("2-4pm"), unless that would put it after the end ("11-1pm").

    None where the end does not say what the number is: "between 5 and 14:00" is left alone.
    """
    alone = isinstance(first, Moment) and first.hourly and s.word(at + 1) not in ("am", "pm")
    if not alone or not isinstance(first, Moment) or first.day is not None:
        return first
    end = second[0]
    if not isinstance(end, Moment) or s.word(second[1] - 1) not in ("am", "pm") or first.clock.hour > 12:
        return None
    hour = first.clock.hour % 12 + (12 if end.clock.hour >= 12 else 0)
    return replace(first, clock=first.clock.replace(hour=hour % 24 if hour < end.clock.hour else hour % 12))


def _same_zone(first: Edge | None, second: Edge) -> tuple[Edge | None, Edge]:
    """A zone named once holds for both ends."""
    if not isinstance(first, Moment) or not isinstance(second, Moment):
        return first, second
    return replace(first, zone=first.zone or second.zone), replace(second, zone=second.zone or first.zone)


def _with_day(s: Sentence, found: tuple[Between, int] | None) -> tuple[Between, int] | None:
    """ "between 2pm and 4pm yesterday" """
    if found is None:
        return None
    inner, after = found
    day = q.day(s, s.skip(after, "on", ","))
    if day is None or not isinstance(inner.first, Moment) or inner.first.day is not None:
        return found
    return _of_day(inner, day[0]), day[1]


def _of_day(inner: Between, day: Day) -> Between:
    first = replace(inner.first, day=day) if isinstance(inner.first, Moment) else inner.first
    return replace(inner, first=first)


def _edge(s: Sentence, at: int) -> tuple[Edge, int] | None:
    """What "since", "between" and "to" are followed by."""
    moment = q.moment(s, s.skip(at, "about", "around"))
    if moment is not None:
        return moment
    led = _day_moment(s, at)
    if led is not None:
        return led
    return next((found for rule in EDGE_RULES if (found := rule(s, at)) is not None), None)


# --- days ------------------------------------------------------------------------------------------


def _day_moment(s: Sentence, at: int) -> tuple[Moment, int] | None:
    """ "yesterday at 14:00", "14:00 yesterday" is the rule `_at`."""
    day = q.day(s, at)
    if day is None:
        return None
    start = s.skip(s.skip(day[1], ","), "at", "around")
    found = q.moment(s, start)
    if found is None or not isinstance(found[0], Moment):
        return None
    return replace(found[0], day=day[0], around=s.word(start - 1) == "around"), found[1]


def _day_led(s: Sentence, at: int) -> Parsed | None:
    day = q.day(s, s.skip_so_far(at))
    if day is None:
        return None
    inner = _inside_day(s, s.skip(day[1], ","), day[0])
    if inner is not None:
        return inner
    moment = _day_moment(s, at)
    if moment is not None:
        return moment
    return _zoned(s, WholeDay(day[0]), s.skip_so_far(day[1]))


def _inside_day(s: Sentence, at: int, day: Day) -> Parsed | None:
    """ "between 2pm and 4pm", "14:00-15:00", "morning" """
    start = s.skip(at, "in") if s.word(at + 1) == "the" else at
    start = s.skip(start, "the")
    if s.word(start) in PART_WORDS:
        return PartOfDay(PART_WORDS[s.word(start)], day), start + 1
    # Clock times only: days inside of days would nest without end.
    within = at + 1 if s.word(at) in ("between", "from") else at
    pair = _pair(s, within, _joining(s, at), q.moment)
    if pair is None or not isinstance(pair[0].first, Moment):
        return None
    return _of_day(pair[0], day), pair[1]


def _part(s: Sentence, at: int) -> Parsed | None:
    if s.word(at) == "tonight":
        return PartOfDay("night"), at + 1
    if s.word(at) == "overnight" or s.follows(at, "last", "night"):
        return PartOfDay("night", DaysBack(1)), at + (1 if s.word(at) == "overnight" else 2)
    name = s.word(at + 1)
    if name not in PART_WORDS or s.word(at) not in ("this", "last"):
        return None
    return PartOfDay(PART_WORDS[name], DaysBack(1) if s.word(at) == "last" else None), at + 2


def _weekend(s: Sentence, at: int) -> Parsed | None:
    if s.word(at + 1) != "weekend" or s.word(at) not in ("the", "this", "last", "past", "previous"):
        if s.word(at) in ("the", "this") and s.word(at + 1) in ("last", "past") and s.word(at + 2) == "weekend":
            return Weekend(over=True), at + 3
        return None
    return Weekend(over=s.word(at) in ("last", "previous")), at + 2


def _month(s: Sentence, at: int) -> Parsed | None:
    """ "in November", "since March 2025": alone a month's name may be another word."""
    if s.word(at) not in MONTHS or s.word(at - 1) not in ("in", "during", "since", "for", "of", "throughout"):
        return None
    text = s.word(at + 1)
    if s[at + 1].kind == "number" and len(text) == 4 and text.isdigit():
        return NamedMonth(MONTHS[s.word(at)], int(text)), at + 2
    return NamedMonth(MONTHS[s.word(at)]), at + 1


# --- one clock time, zones ------------------------------------------------------------------------


def _at(s: Sentence, at: int) -> Parsed | None:
    """ "at 14:00", "around noon", "at 2pm on Monday"; a clock time alone is too little to go by."""
    if s.word(at - 1) not in ("at", "around", "about"):
        return None
    found = q.moment(s, at)
    if found is None or isinstance(found[0], Present):
        return None
    moment, after = found
    if isinstance(moment, Stamp):
        return moment, after
    moment = replace(moment, around=s.word(at - 1) != "at")
    day = q.day(s, s.skip(after, "on", ","))
    return (replace(moment, day=day[0]), day[1]) if day else (moment, after)


def _zoned(s: Sentence, inner: Expression, after: int) -> Parsed:
    place: tuple[tzinfo, int] | None = q.zone(s, s.skip(after, "in"))
    return (Zoned(inner, place[0]), place[1]) if place else (inner, after)


EDGE_RULES: tuple[EdgeRule, ...] = (
    ago,
    _part,
    _weekend,
    _day_led,
    elapsed,
    current,
    _month,
)
RULES: tuple[Rule, ...] = (
    _since,
    _between,
    _clock_range,
    _day_led,
    _part,
    _weekend,
    elapsed,
    ago,
    lasting,
    current,
    _month,
    before_that,
    _at,
)
STARTERS = frozenset(
    {"since", "from", "between", "noon", "midday", "midnight", "today", "yesterday", "tonight", "overnight", "so"}
    | {"the", "this", "day"}
    | BACKWARD
    | set(NUMBERS)
    | set(MONTHS)
)
"""Words that an expression can begin with, besides weekdays; numbers, clocks and stamps can too."""
