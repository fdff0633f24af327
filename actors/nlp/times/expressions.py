"""What a text can say about time, and the window that it means seen from a calendar.

`window` raises ValueError or OverflowError where there is no such time (the 11th month of the year 0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal, Protocol

from actors.nlp.times.calendar import DAY, Calendar, Window, months_before
from actors.nlp.times.days import CalendarDate, Day, is_weekday_of, week_of
from actors.nlp.times.vocabulary import MONTHS_IN, PARTS, PartName, Unit

WEEK = timedelta(days=7)


class Expression(Protocol):
    def window(self, calendar: Calendar) -> Window: ...


@dataclass(frozen=True, slots=True)
class Duration:
    """Calendar months, and elapsed seconds."""

    months: int = 0
    seconds: float = 0.0

    def __add__(self, other: Duration) -> Duration:
        return Duration(self.months + other.months, self.seconds + other.seconds)

    def before_now(self, calendar: Calendar) -> datetime:
        start = calendar.months_back(self.months) if self.months else calendar.now
        return start - timedelta(seconds=self.seconds)

    def after_now(self, calendar: Calendar) -> datetime:
        end = calendar.months_back(-self.months) if self.months else calendar.now
        return end + timedelta(seconds=self.seconds)


# --- counted from now --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Elapsed:
    """ "the last 30 minutes" """

    duration: Duration

    def window(self, calendar: Calendar) -> Window:
        return Window(self.duration.before_now(calendar), calendar.now)


@dataclass(frozen=True, slots=True)
class Ahead:
    """ "the next 24 hours" """

    duration: Duration

    def window(self, calendar: Calendar) -> Window:
        return Window(calendar.now, self.duration.after_now(calendar))


@dataclass(frozen=True, slots=True)
class Ago:
    """ "3 hours ago": the clock hour (or minute, or second) which that instant is in."""

    duration: Duration
    unit: Unit

    def instant(self, calendar: Calendar) -> datetime:
        return self.duration.before_now(calendar)

    def window(self, calendar: Calendar) -> Window:
        return clock_unit(self.unit, self.instant(calendar), calendar)


@dataclass(frozen=True, slots=True)
class DaysAgo:
    """ "3 days ago", as the end of a range an instant of that day: "from 3 days ago"."""

    day: Day

    def window(self, calendar: Calendar) -> Window:
        return calendar.day(self.day.date(calendar))


@dataclass(frozen=True, slots=True)
class AgoRange:
    """ "2 to 3 hours ago" """

    first: Duration
    second: Duration

    def window(self, calendar: Calendar) -> Window:
        ends = (self.first.before_now(calendar), self.second.before_now(calendar))
        return Window(min(ends), max(ends))


@dataclass(frozen=True, slots=True)
class BeforeThat:
    """ "the hour before that": so long a time, up to the start of the window asked for before. After a calendar
    week or month it is the calendar one before."""

    duration: Duration
    unit: Unit | None = None

    def window(self, calendar: Calendar) -> Window:
        if calendar.earlier is None:
            raise ValueError("nothing was asked before")
        end = calendar.earlier.start
        there = replace(calendar, now=end)
        if self.unit in ("day", "week", "month", "quarter", "year") and end == calendar.at(
            first_day(self.unit, there.today)
        ):
            return Previous(self.unit).window(there)
        return Window(self.duration.before_now(there), end)


# --- calendar units ----------------------------------------------------------------------------------


def clock_unit(unit: Unit, instant: datetime, calendar: Calendar) -> Window:
    """The hour, minute or second of the wall clock that the instant is in."""
    local = instant.astimezone(calendar.zone)
    start = local.replace(
        minute=0 if unit == "hour" else local.minute,
        second=0 if unit in ("hour", "minute") else local.second,
        microsecond=0,
    ).astimezone(UTC)
    return Window(start, start + _LENGTHS[unit])


_LENGTHS: dict[Unit, timedelta] = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
}


def first_day(unit: Unit, day: date) -> date:
    """Of the calendar unit that the day is in."""
    if unit == "week":
        return week_of(day)
    if unit == "quarter":
        return day.replace(month=day.month - (day.month - 1) % 3, day=1)
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


def after_unit(unit: Unit, first: date) -> date:
    """The first day after the unit that begins with `first`."""
    if unit in ("day", "week"):
        return first + (DAY if unit == "day" else WEEK)
    return months_before(first, -MONTHS_IN[unit])


@dataclass(frozen=True, slots=True)
class Current:
    """ "this week": from its start to now; the whole of it where the question looks ahead."""

    unit: Unit

    def window(self, calendar: Calendar) -> Window:
        if self.unit in _LENGTHS:
            return Window(clock_unit(self.unit, calendar.now, calendar).start, calendar.now)
        return Window(calendar.at(first_day(self.unit, calendar.today)), calendar.now)


@dataclass(frozen=True, slots=True)
class Previous:
    """ "last week", "two months before": the calendar one so many before this."""

    unit: Unit
    count: int = 1

    def window(self, calendar: Calendar) -> Window:
        if self.unit in _LENGTHS:
            end = clock_unit(self.unit, calendar.now, calendar).start
            return Window(end - self.count * _LENGTHS[self.unit], end)
        after = first = first_day(self.unit, calendar.today)
        for _ in range(self.count):
            after, first = first, first_day(self.unit, first - DAY)
        return calendar.days(first, after)


@dataclass(frozen=True, slots=True)
class Coming:
    """ "next week": the calendar one after this."""

    unit: Unit

    def window(self, calendar: Calendar) -> Window:
        first = after_unit(self.unit, first_day(self.unit, calendar.today))
        return calendar.days(first, after_unit(self.unit, first))


@dataclass(frozen=True, slots=True)
class EndOf:
    """ "the end of the week": an instant that lies ahead."""

    unit: Unit

    def instant(self, calendar: Calendar) -> datetime:
        return calendar.at(after_unit(self.unit, first_day(self.unit, calendar.today)))

    def window(self, calendar: Calendar) -> Window:
        return Window(calendar.now, self.instant(calendar))


@dataclass(frozen=True, slots=True)
class StartOf:
    """ "the beginning of the week": an instant that has passed."""

    unit: Unit

    def instant(self, calendar: Calendar) -> datetime:
        return calendar.at(first_day(self.unit, calendar.today))

    def window(self, calendar: Calendar) -> Window:
        return Window(self.instant(calendar), calendar.now)


# --- days and their parts ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WholeDay:
    day: Day

    def window(self, calendar: Calendar) -> Window:
        return calendar.day(self.day.date(calendar))


@dataclass(frozen=True, slots=True)
class PartOfDay:
    """`day` None is "this morning", "tonight": the one of today; a night before six is yesterday's. With `latest`
    it is the latest that has begun ("in the afternoon", asked in the morning)."""

    part: PartName
    day: Day | None = None
    latest: bool = False

    def date(self, calendar: Calendar) -> date:
        begins, ends = PARTS[self.part]
        if self.day is not None:
            over = begins < ends <= calendar.local_now.time()
            today = over and not calendar.forward and is_weekday_of(self.day, calendar.today)
            return calendar.today if today else self.day.date(calendar)
        clock = calendar.local_now.time()
        early = clock < begins if self.latest else clock < ends
        return calendar.today - DAY if early and (self.latest or self.part == "night") else calendar.today

    def window(self, calendar: Calendar) -> Window:
        begins, ends = PARTS[self.part]
        day = self.date(calendar)
        return Window(calendar.at(day, begins), calendar.at(day + DAY if ends < begins else day, ends))


@dataclass(frozen=True, slots=True)
class Weekend:
    """ "latest" has begun, "last" is over, "next" lies ahead."""

    which: Literal["latest", "last", "next"] = "latest"

    def window(self, calendar: Calendar) -> Window:
        saturday = calendar.today - timedelta(days=(calendar.today.weekday() - 5) % 7)
        running = calendar.today < saturday + timedelta(days=2)
        if self.which == "last" and running:
            saturday -= WEEK
        if self.which == "next" or (calendar.forward and self.which == "latest" and not running):
            saturday += WEEK
        return calendar.days(saturday, saturday + timedelta(days=2))


# --- months, quarters, years -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedMonth:
    """Without a year: the latest that has begun, or with `last` the latest that is over."""

    month: int
    year: int | None = None
    last: bool = False

    def window(self, calendar: Calendar) -> Window:
        first = CalendarDate(self.month, 1, self.year).date(calendar)
        if self.last and months_before(first, -1) > calendar.today:
            first = months_before(first, 12)
        return calendar.days(first, months_before(first, -1))


@dataclass(frozen=True, slots=True)
class NamedQuarter:
    """ "Q3", 1 to 4: the latest that has begun."""

    number: int
    year: int | None = None

    def window(self, calendar: Calendar) -> Window:
        first = CalendarDate(3 * self.number - 2, 1, self.year).date(calendar)
        return calendar.days(first, months_before(first, -3))


@dataclass(frozen=True, slots=True)
class NamedYear:
    year: int

    def window(self, calendar: Calendar) -> Window:
        return calendar.days(date(self.year, 1, 1), date(self.year + 1, 1, 1))


@dataclass(frozen=True, slots=True)
class Zoned:
    """ "yesterday UTC" """

    inner: Expression
    zone: tzinfo

    def window(self, calendar: Calendar) -> Window:
        return self.inner.window(replace(calendar, zone=self.zone))
