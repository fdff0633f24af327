"""From one instant to another: "since 14:00", "between 2pm and 4pm", "from Monday till now", "until noon".

    since   = "since" edge | "from" edge ("on" | "onwards" | to "now") | "after" edge
    between = ("between" | "from") edge ("and" | to) edge [day]
    edge    = moment | day moment | expression

Every function returns what begins at token `at` and the position after it, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from actors.nlp.sentence import Sentence
from actors.nlp.times import clocks, dates
from actors.nlp.times.days import CalendarDate, Day, DayOfMonth
from actors.nlp.times.edges import AfterOnDay, Between, Edge, Moment, MomentInPart, Present, Since, Stamp, UpTo
from actors.nlp.times.elapsed import Parsed, edge_of_unit, since_duration
from actors.nlp.times.expressions import PartOfDay, WholeDay
from actors.nlp.times.parts import part_of_day
from actors.nlp.times.vocabulary import AROUND, NAMED_CLOCKS, TO

EdgeParsed = tuple[Edge, int]
EdgeRule = Callable[[Sentence, int], EdgeParsed | None]
UNTIL_NOW = (
    ("on",), ("onwards",), ("onward",), ("until", "now"), ("till", "now"), ("til", "now"), ("up", "to", "now"),
    ("to", "now"), ("through", "now"), ("upto", "now"), ("until", "today"), ("till", "today"), ("-", "now"),
    ("until", "the", "present"), ("till", "date"), ("to", "date"), ("forward",), ("until", "right", "now"),
)  # fmt: skip

AFTER_HOUR = frozenset({"on", "this", "yesterday", "today", "and", "in", "for", "last", "at"})
"""Before other words an hour alone is a number of something."""


class Spans:
    """The rules, given what an edge can be: edges are expressions, and expressions hold edges."""

    def __init__(self, edges: tuple[EdgeRule, ...]) -> None:
        self._edges = edges

    def edge(self, s: Sentence, at: int) -> EdgeParsed | None:
        """What "since", "between" and "to" are followed by."""
        start = s.skip(s.skip(at, *AROUND), "the") if s.word(at) in AROUND else at
        start = s.skip(start, "at") if clocks.moment(s, start + 1) else start
        moment = clocks.moment(s, start)
        if moment is not None:
            return with_day_or_part(s, moment)
        start = s.skip(at, *AROUND)
        led = day_moment(s, start) or edge_of_unit(s, start)
        if led is not None:
            return led
        return next((found for rule in self._edges if (found := rule(s, start)) is not None), None)

    # --- since, until --------------------------------------------------------------------------------

    def since(self, s: Sentence, at: int) -> Parsed | None:
        word = s.word(at)
        if word not in ("since", "from", "after", "starting"):
            return None
        start = s.skip(at + 1, "from", "at") if word == "starting" else at + 1
        found = self.edge(s, start) or (self._hour_alone(s, start) if word == "since" else None)
        elapsing = since_duration(s, at)
        if elapsing is not None and (found is None or elapsing[1] >= found[1]):
            return elapsing
        if found is None:
            return None
        edge, after = found
        after_now = s.past(after, *UNTIL_NOW)
        if word == "since" or after_now > after or (word == "after" and _is_clock(edge)):
            return Since(edge), after_now
        return None

    def _hour_alone(self, s: Sentence, at: int) -> EdgeParsed | None:
        """ "since 9" """
        following = s[at + 1]
        if following.kind in ("word", "number") and following.text not in AFTER_HOUR:
            return None
        found = clocks.moment(s, at, bare=True)
        return with_day_or_part(s, found) if found else None

    def up_to(self, s: Sentence, at: int) -> Parsed | None:
        """ "until 10:00", "before noon", "by Friday", "by the end of the month" """
        word = s.word(at)
        if word not in ("until", "till", "before", "by"):
            return None
        found = self.edge(s, at + 1) or (self._hour_alone(s, at + 1) if word != "by" else None)
        if found is None or isinstance(found[0], Present):
            return None
        return UpTo(found[0], whole=word != "before"), found[1]

    # --- between -------------------------------------------------------------------------------------

    def between(self, s: Sentence, at: int) -> Parsed | None:
        if s.word(at) not in ("between", "from", "b", "betw", "btw", "starting"):
            return None
        return self._with_day(s, self.pair(s, at + 1, joining(s, at), self.edge), at)

    def clock_range(self, s: Sentence, at: int) -> Parsed | None:
        """ "14:00-14:30", "2 to 4pm", "monday to wednesday" """
        if s[at].kind not in ("clock", "stamp", "number") and s.word(at) not in NAMED_CLOCKS:
            return None
        return self._with_day(s, self.pair(s, at, tuple(TO), self.edge), at)

    def pair(
        self, s: Sentence, at: int, joins: tuple[str, ...], edge: EdgeRule, *, hours_alone: bool = False
    ) -> tuple[Between, int] | None:
        """With `hours_alone` both ends may be numbers only: "(Monday between) 9 and 11"."""
        first = edge(s, at) or clocks.french(s, at) or clocks.moment(s, at, bare=True)
        if first is None or isinstance(first[0], Present):
            return None
        joint = s.skip(first[1], ",")
        joint = s.past(joint, ("up",)) if s.word(joint + 1) == "to" else joint
        if s.word(joint) not in joins:
            return None
        second = edge(s, joint + 1) or _last_end(s, first[0], joint + 1)
        if second is None:
            return None
        begins = first[0] if hours_alone and _hour_only(second[0]) else _same_half(s, at, first[0], second)
        start, end = _same_zone(begins, second[0])
        return (Between(start, end), second[1]) if start is not None else None

    def _with_day(self, s: Sentence, found: tuple[Between, int] | None, at: int) -> tuple[Between, int] | None:
        """ "between 2pm and 4pm yesterday", "9 to 11 this morning": hours alone need the day."""
        if found is None:
            return _bare_hours(s, at)
        inner, after = found
        day = dates.day(s, s.skip(s.skip(after, ","), "on", "of"))
        if day is None or not isinstance(inner.first, Moment) or inner.first.day is not None:
            return found
        return of_day(inner, day[0]), day[1]


# --- the two ends ------------------------------------------------------------------------------------


def joining(s: Sentence, at: int) -> tuple[str, ...]:
    return ("and", "&", *TO) if s.word(at) != "from" else tuple(TO)


def _is_clock(edge: Edge) -> bool:
    return isinstance(edge, Moment | Stamp | MomentInPart)


def _hour_only(edge: Edge) -> bool:
    return isinstance(edge, Moment) and edge.hourly and edge.either


def _last_end(s: Sentence, start: Edge, at: int) -> EdgeParsed | None:
    return clocks.french(s, at) or _bare_end(s, start, at) or _day_end(s, start, at)


def _bare_end(s: Sentence, start: Edge, at: int) -> EdgeParsed | None:
    """ "from 14:00 to 15", "from 1pm till 2": an hour alone only after a full clock time."""
    if not isinstance(start, Moment) or (start.hourly and start.either):
        return None
    following = s[at + 1]
    if start.hourly and following.kind in ("word", "number") and following.text not in AFTER_HOUR:
        return None
    return clocks.moment(s, at, bare=True)


def _day_end(s: Sentence, start: Edge, at: int) -> EdgeParsed | None:
    """ "Nov 3 to 5", "from the 3rd to the 5th": the month is the first one's."""
    if not isinstance(start, WholeDay) or not isinstance(start.day, CalendarDate | DayOfMonth):
        return None
    found = dates.ordinal(s, s.skip(at, "the"))
    if found is None:
        return None
    if isinstance(start.day, DayOfMonth):
        return WholeDay(DayOfMonth(found[0])), found[1]
    return WholeDay(replace(start.day, day=found[0])), found[1]


def _same_half(s: Sentence, at: int, first: Edge, second: EdgeParsed) -> Edge | None:
    """An hour alone takes am or pm from the end ("2-4pm"), unless that would put it after the end ("11-1pm").

    None where the end does not say what the number is: "between 5 and 14:00" is left alone.
    """
    if not isinstance(first, Moment) or not first.hourly or first.day is not None or not first.either:
        return first
    end = second[0]
    if not isinstance(end, Moment) or first.clock.hour > 12:
        return None
    if end.either:
        return first if s[at].kind == "word" or s.word(at + 1) in ("o", "oclock") else None
    if s[second[1] - 1].kind in ("number", "clock"):
        return None
    hour = first.clock.hour % 12 + (12 if end.clock.hour >= 12 else 0)
    return replace(
        first, either=False, clock=first.clock.replace(hour=hour % 24 if hour < end.clock.hour else hour % 12)
    )


def _same_zone(first: Edge | None, second: Edge) -> tuple[Edge | None, Edge]:
    """A zone named once holds for both ends, and so does a day before the second ("2pm to 4pm on Monday")."""
    if not isinstance(first, Moment) or not isinstance(second, Moment):
        return first, second
    if first.day is None and second.day is not None:
        first, second = replace(first, day=second.day), replace(second, day=None)
    return replace(first, zone=first.zone or second.zone), replace(second, zone=second.zone or first.zone)


def of_day(inner: Between, day: Day) -> Between:
    first = replace(inner.first, day=day) if isinstance(inner.first, Moment) else inner.first
    return replace(inner, first=first)


def _bare_hours(s: Sentence, at: int) -> tuple[Between, int] | None:
    """ "between 2 and 4 yesterday", "from 9 to 11 this morning" """
    start = s.skip(at, "between", "from")
    first = clocks.moment(s, start, bare=True)
    if first is None or s.word(first[1]) not in joining(s, at) or not isinstance(first[0], Moment):
        return None
    second = clocks.moment(s, first[1] + 1, bare=True)
    if second is None or not isinstance(second[0], Moment) or not second[0].hourly:
        return None
    part = part_of_day(s, second[1])
    if part is not None:
        return Between(MomentInPart(first[0], part[0]), MomentInPart(second[0], part[0])), part[1]
    day = dates.day(s, s.skip(second[1], "on"))
    if day is None:
        return None
    return Between(replace(first[0], day=day[0], either=False), second[0]), day[1]


# --- a clock time with its day -----------------------------------------------------------------------


def with_day_or_part(s: Sentence, found: tuple[Moment | Stamp | Present, int]) -> EdgeParsed:
    """ "14:00 yesterday", "2pm on Monday", "9 in the morning", "3am last night" """
    moment, after = found
    if not isinstance(moment, Moment):
        return found
    part = part_of_day(s, after)
    if part is not None:
        return MomentInPart(moment, part[0]), part[1]
    start = s.skip(after, "on", ",")
    day = dates.day(s, start)
    if day is None or (s[start].kind == "number" and start == after):
        return found
    ended = part_of_day(s, after)
    if ended is not None:
        return MomentInPart(moment, ended[0]), ended[1]
    return replace(moment, day=day[0], either=False), day[1]


def day_moment(s: Sentence, at: int) -> tuple[Moment | MomentInPart, int] | None:
    """ "yesterday at 14:00", "Monday morning at 9", "Nov 3, 14:00" """
    part = part_of_day(s, at)
    day = dates.day(s, at) if part is None else None
    led = part or day
    if led is None:
        return None
    start = s.skip(s.skip(s.skip(led[1], ","), "at"), *AROUND)
    found = clocks.moment(s, start, bare=s.word(start - 1) == "at")
    if found is None or not isinstance(found[0], Moment):
        return None
    moment = replace(found[0], around=s.word(start - 1) in AROUND or found[0].around)
    if part is not None:
        return MomentInPart(moment, part[0]), found[1]
    if day is None:
        return None
    half = part_of_day(s, found[1])
    if half is not None and half[0].day is None:
        return MomentInPart(moment, PartOfDay(half[0].part, day[0])), half[1]
    return replace(moment, day=day[0], either=False), found[1]


def after_on_day(s: Sentence, at: int) -> Parsed | None:
    """ "yesterday after 3pm", "Monday before noon" """
    day = dates.day(s, at)
    if day is None or s.word(day[1]) not in ("after", "before", "from", "until", "till"):
        return None
    found = clocks.moment(s, day[1] + 1)
    if found is None or not isinstance(found[0], Moment) or s.word(found[1]) in TO:
        return None
    moment = replace(found[0], day=day[0], either=False)
    if s.word(day[1]) in ("after", "from"):
        return AfterOnDay(moment, day[0]), found[1]
    return UpTo(moment, whole=False), found[1]
