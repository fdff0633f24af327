"""The grammar of time: which expression begins at a token, and where it ends.

    expression  = since | until | between | day-led | clock range | elapsed | ahead | ago | current
                | weekend | part of day | month | quarter | year | "at" moment | duration before that
    day-led     = day [between | clock range | "at" moment | part of day]

`spans.py` has what lies between two instants, `elapsed.py` what is counted from now. Every alternative looks at a
bounded number of tokens, so a text costs time in proportion to its length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from actors.nlp.sentence import Sentence
from actors.nlp.times import clocks, dates, elapsed
from actors.nlp.times.days import CalendarDate, Day
from actors.nlp.times.edges import Between, Moment, MomentInPart, Present, Stamp
from actors.nlp.times.elapsed import Parsed
from actors.nlp.times.expressions import (
    Expression,
    NamedMonth,
    NamedQuarter,
    NamedYear,
    Weekend,
    WholeDay,
    Zoned,
)
from actors.nlp.times.parts import part_of_day
from actors.nlp.times.spans import EdgeRule, Spans, after_on_day, day_moment, joining, of_day, with_day_or_part
from actors.nlp.times.vocabulary import AFTER_MONTH, AHEAD, AROUND, BEFORE_MONTH, CLEAR_MONTHS, MONTHS, TO, WHOLE

Rule = Callable[[Sentence, int], Parsed | None]


def expression(s: Sentence, at: int, *, forward: bool) -> Parsed | None:
    """The longest expression that begins here."""
    best = elapsed.in_duration(s, at) if forward else None
    for rule in RULES:
        parsed = rule(s, at)
        if parsed is not None and (best is None or parsed[1] > best[1]):
            best = parsed
    return best


# --- days ------------------------------------------------------------------------------------------


def _day_led(s: Sentence, at: int) -> Parsed | None:
    start = s.past(at, ("so", "far"))
    day = dates.day(s, start) or dates.week_led(s, start)
    if day is None:
        return None
    inner = _inside_day(s, s.skip(day[1], ","), day[0])
    if inner is not None:
        return inner
    moment = day_moment(s, start)
    if moment is not None:
        return moment
    return _zoned(s, WholeDay(day[0]), s.past(day[1], ("so", "far")))


def _inside_day(s: Sentence, at: int, day: Day) -> Parsed | None:
    """ "between 2pm and 4pm", "14:00-15:00" """
    # Clock times only: days inside of days would nest without end.
    within = at + 1 if s.word(at) in ("between", "from", "at") else at
    joins = joining(s, at) if within > at else tuple(TO)
    pair = SPANS.pair(s, within, joins, _bare_moment, hours_alone=True)
    if pair is None or not isinstance(pair[0].first, Moment) or isinstance(pair[0].second, Present):
        return None
    inner = of_day(pair[0], day)
    first, second = inner.first, inner.second
    if isinstance(first, Moment) and isinstance(second, Moment):
        inner = Between(replace(first, either=False), replace(second, either=False))
    return inner, pair[1]


def _bare_moment(s: Sentence, at: int) -> tuple[Moment | Stamp | Present, int] | None:
    return clocks.moment(s, at) or clocks.moment(s, at, bare=True)


def _part(s: Sentence, at: int) -> Parsed | None:
    found = part_of_day(s, at)
    if found is None:
        return None
    led = day_moment(s, at)
    return led or _zoned(s, found[0], found[1])


def _in_part(s: Sentence, at: int) -> Parsed | None:
    """ "(in) the morning": the preposition is no part of it."""
    if s.word(at) != "the" or s.word(at - 1) not in ("in", "during", "over"):
        return None
    return part_of_day(s, at - 1)


def _weekend(s: Sentence, at: int) -> Parsed | None:
    start = s.skip(at, "the", "this")
    lead = s.word(start)
    if s.word(start) == "weekend" and start > at:
        return Weekend(), start + 1
    if s.word(start + 1) != "weekend":
        return None
    if lead in WHOLE or lead == "past":
        return Weekend("last" if lead in WHOLE or start > at else "latest"), start + 2
    return (Weekend("next"), start + 2) if lead in AHEAD else None


# --- months, quarters, years -------------------------------------------------------------------------


def _month(s: Sentence, at: int) -> Parsed | None:
    """ "in November", "last March", "October 2025": alone a short name may be another word."""
    start = at + 1 if s.word(at) in (*WHOLE, "this") and s.word(at + 1) in MONTHS else at
    name = s.word(start)
    if name not in MONTHS:
        return None
    year = _year_number(s, s.skip(start + 1, ",", "of"))
    if year is not None:
        return NamedMonth(MONTHS[name], year[0]), year[1]
    doubtful = start == at and name not in CLEAR_MONTHS and s.word(start + 1) not in AFTER_MONTH
    if doubtful and s.word(at - 1) not in BEFORE_MONTH:
        return None
    if start == at and name in ("may", "march") and s.word(at - 1) in ("and", "to", "over", "than"):
        return None
    return NamedMonth(MONTHS[name], last=s.word(at) in WHOLE), start + 1


def _quarter(s: Sentence, at: int) -> Parsed | None:
    """ "Q3", "Q3 2025", "the third quarter" """
    if s.word(at) == "q" and s[at + 1].glued and s.word(at + 1) in ("1", "2", "3", "4"):
        number, after = int(s.word(at + 1)), at + 2
    else:
        start = s.skip(at, "the")
        names = {"first": 1, "second": 2, "third": 3, "fourth": 4}
        if s.word(start) not in names or s.word(start + 1) != "quarter" or s.word(start + 2) == "of":
            return None
        number, after = names[s.word(start)], start + 2
    year = _year_number(s, s.skip(after, ",", "of", "/"))
    return (NamedQuarter(number, year[0]), year[1]) if year else (NamedQuarter(number), after)


def _year(s: Sentence, at: int) -> Parsed | None:
    """ "in 2025" """
    if s.word(at - 1) not in ("in", "during", "since", "for", "throughout", "of"):
        return None
    found = _year_number(s, at)
    return (NamedYear(found[0]), found[1]) if found and s[found[1]].kind in ("sign", "word") else None


def _year_number(s: Sentence, at: int) -> tuple[int, int] | None:
    text = s.word(at)
    return (int(text), at + 1) if s[at].kind == "number" and len(text) == 4 and text[:2] in ("19", "20") else None


# --- one clock time, zones ------------------------------------------------------------------------


def _at(s: Sentence, at: int) -> Parsed | None:
    """ "at 14:00", "around noon", "at 2pm on Monday"; a clock time alone is too little to go by."""
    around = s.word(at) in AROUND
    if not around and s.word(at - 1) not in ("at", "@", "exactly", "precisely"):
        return None
    start = s.skip(at + 1, "at") if around else at
    found = clocks.moment(s, start) or _hour_alone(s, start)
    if found is None or isinstance(found[0], Present):
        return None
    if isinstance(found[0], Stamp):
        return found[0], found[1]
    edge, after = with_day_or_part(s, (replace(found[0], around=around or found[0].around), found[1]))
    return (edge, after) if isinstance(edge, Moment | MomentInPart) else None


def _hour_alone(s: Sentence, at: int) -> tuple[Moment | Stamp | Present, int] | None:
    """ "at 9 this morning", "at 9 yesterday", "at 9?" """
    found = clocks.moment(s, at, bare=True)
    if found is None:
        return None
    following = s[found[1]]
    clear = part_of_day(s, found[1]) or dates.day(s, s.skip(found[1], "on"))
    ends = following.text == "" or (following.text in (".", "?", "!", ",") and not s[found[1] + 1].glued)
    return found if clear or ends else None


def _clear_clock(s: Sentence, at: int) -> Parsed | None:
    """ "14:00 yesterday", "9am today", "3 in the afternoon", "noon on Monday": the day makes it clear."""
    if s[at].kind not in ("clock", "number") and s.word(at) not in (
        "noon",
        "midday",
        "midnight",
        "half",
        "quarter",
    ):
        return None
    found = clocks.moment(s, at) or clocks.moment(s, at, bare=True)
    if found is None or not isinstance(found[0], Moment):
        return None
    edge, after = with_day_or_part(s, found)
    if after == found[1] or not isinstance(edge, Moment | MomentInPart):
        return None
    return edge, after


def _stamp(s: Sentence, at: int) -> Parsed | None:
    """ "2026-11-03T10:00Z" stands for itself."""
    if s[at].kind != "stamp" or "-" not in s.word(at):
        return None
    found = clocks.moment(s, at)
    return (found[0], found[1]) if found and isinstance(found[0], Stamp) else None


def _zoned(s: Sentence, inner: Expression, after: int) -> Parsed:
    zone = clocks.zone(s, after) or (clocks.offset_zone(s, after + 1) if s.word(after) == "in" else None)
    return (Zoned(inner, zone[0]), zone[1]) if zone else (inner, after)


def _elapsed_day(s: Sentence, at: int) -> Parsed | None:
    found = elapsed.elapsed(s, at)
    return _zoned(s, *found) if found and s.word(found[1] - 1) in ("day", "week", "month", "year") else found


EDGES: tuple[EdgeRule, ...] = (
    elapsed.ago,
    _part,
    _weekend,
    _day_led,
    elapsed.elapsed,
    elapsed.current,
    _month,
    _quarter,
    _year,
    elapsed.ahead,
)
SPANS = Spans(EDGES)


def _days(s: Sentence, at: int) -> Parsed | None:
    """ "Monday to Wednesday", "Nov 3-5", "from 1 to 7 November" """
    start = s.skip(at, "from", "between")
    first = dates.ordinal(s, start)
    if first is not None and s.word(first[1]) in joining(s, at):
        last = dates.written(s, first[1] + 1)
        if last is not None and isinstance(last[0], CalendarDate):
            return Between(WholeDay(replace(last[0], day=first[0])), WholeDay(last[0])), last[1]
    if start > at or dates.day(s, at) is None:
        return None
    return SPANS.pair(s, at, tuple(TO), SPANS.edge)


def _unit_edge(s: Sentence, at: int) -> Parsed | None:
    """ "EOD", "the end of the month" where it lies ahead."""
    found = elapsed.edge_of_unit(s, at)
    return (found[0], found[1]) if found else None


RULES: tuple[Rule, ...] = (
    _days,
    SPANS.since,
    SPANS.up_to,
    SPANS.between,
    SPANS.clock_range,
    after_on_day,
    _day_led,
    _part,
    _in_part,
    _weekend,
    _elapsed_day,
    elapsed.ahead,
    elapsed.ago,
    elapsed.lasting,
    elapsed.current,
    elapsed.before_that,
    _unit_edge,
    _month,
    _quarter,
    _year,
    _at,
    _clear_clock,
    _stamp,
)
