"""What a text can say about time, and the window that it means seen from a calendar.

`window` raises ValueError or OverflowError where there is no such time (30 February, the year 0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

from actors.nlp.times.calendar import DAY, Calendar, Window, months_before
from actors.nlp.times.vocabulary import PARTS, PartName, Unit

WEEK = timedelta(days=7)
AT_MINUTE = timedelta(minutes=5)
AT_HOUR = timedelta(hours=1)
AROUND = timedelta(minutes=15)


class Expression(Protocol):
    def window(self, calendar: Calendar) -> Window: ...


class Day(Protocol):
    def date(self, calendar: Calendar) -> date: ...


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


# --- days ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DaysBack:
    days: int

    def date(self, calendar: Calendar) -> date:
        return calendar.today - timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class MonthsBack:
    months: int

    def date(self, calendar: Calendar) -> date:
        return months_before(calendar.today, self.months)


@dataclass(frozen=True, slots=True)
class Weekday:
    """The latest one that is over: on a Monday, "Monday" is a week ago. Monday is 0."""

    number: int

    def date(self, calendar: Calendar) -> date:
        back = (calendar.today.weekday() - self.number) % 7 or 7
        return calendar.today - timedelta(days=back)


@dataclass(frozen=True, slots=True)
class CalendarDate:
    """Without a year: the latest that has begun."""

    month: int
    day: int
    year: int | None = None

    def date(self, calendar: Calendar) -> date:
        if self.year is not None:
            return date(self.year, self.month, self.day)
        this_year = calendar.today.year
        years = (this_year, *range(this_year - 1, this_year - 9, -1))  # 29 February may be eight years back
        for year in years:
            found = _date_or_none(year, self.month, self.day)
            if found is not None and found <= calendar.today:
                return found
        raise ValueError(f"no month {self.month} has a day {self.day}")


def _date_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


# --- windows ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Elapsed:
    """ "the last 30 minutes" """

    duration: Duration

    def window(self, calendar: Calendar) -> Window:
        return Window(self.duration.before_now(calendar), calendar.now)


@dataclass(frozen=True, slots=True)
class Ago:
    """ "3 hours ago": the clock hour (or minute, or second) which that instant is in."""

    duration: Duration
    unit: Unit

    def instant(self, calendar: Calendar) -> datetime:
        return self.duration.before_now(calendar)

    def window(self, calendar: Calendar) -> Window:
        local = self.instant(calendar).astimezone(calendar.zone)
        start = local.replace(
            minute=0 if self.unit == "hour" else local.minute,
            second=0 if self.unit in ("hour", "minute") else local.second,
            microsecond=0,
        ).astimezone(UTC)
        return Window(start, start + timedelta(hours=1) if self.unit == "hour" else start + _MINUTES[self.unit])


_MINUTES: dict[Unit, timedelta] = {"minute": timedelta(minutes=1), "second": timedelta(seconds=1)}


@dataclass(frozen=True, slots=True)
class WholeDay:
    day: Day

    def window(self, calendar: Calendar) -> Window:
        return calendar.day(self.day.date(calendar))


@dataclass(frozen=True, slots=True)
class PartOfDay:
    """`day` None is "this morning", "tonight": the one of today; a night before six is yesterday's."""

    part: PartName
    day: Day | None = None

    def window(self, calendar: Calendar) -> Window:
        begins, ends = PARTS[self.part]
        day = self.day.date(calendar) if self.day else calendar.today
        if self.day is None and self.part == "night" and calendar.local_now.time() < ends:
            day -= DAY
        return Window(calendar.at(day, begins), calendar.at(day + DAY if ends < begins else day, ends))


@dataclass(frozen=True, slots=True)
class Current:
    """ "this week": from its start to now."""

    unit: Unit

    def window(self, calendar: Calendar) -> Window:
        today = calendar.today
        if self.unit == "hour":
            local = calendar.local_now.replace(minute=0, second=0, microsecond=0)
            return Window(local.astimezone(UTC), calendar.now)
        return Window(calendar.at(_first_day(self.unit, today)), calendar.now)


@dataclass(frozen=True, slots=True)
class Previous:
    """ "last week", "last month", "last year": the calendar one before this."""

    unit: Unit

    def window(self, calendar: Calendar) -> Window:
        after = _first_day(self.unit, calendar.today)
        return calendar.days(_first_day(self.unit, after - DAY), after)


def _first_day(unit: Unit, day: date) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if unit == "year" else day


@dataclass(frozen=True, slots=True)
class Weekend:
    """The latest that has begun, or with `over` the latest that is over."""

    over: bool = False

    def window(self, calendar: Calendar) -> Window:
        saturday = calendar.today - timedelta(days=(calendar.today.weekday() - 5) % 7)
        if self.over and calendar.today < saturday + timedelta(days=2):
            saturday -= WEEK
        return calendar.days(saturday, saturday + timedelta(days=2))


@dataclass(frozen=True, slots=True)
class NamedMonth:
    """Without a year: the latest that has begun."""

    month: int
    year: int | None = None

    def window(self, calendar: Calendar) -> Window:
        first = CalendarDate(self.month, 1, self.year).date(calendar)
        return calendar.days(first, months_before(first, -1))


@dataclass(frozen=True, slots=True)
class BeforeThat:
    """ "the hour before that": so long a time, up to the start of the window asked for before."""

    duration: Duration

    def window(self, calendar: Calendar) -> Window:
        if calendar.earlier is None:
            raise ValueError("nothing was asked before")
        end = calendar.earlier.start
        return Window(self.duration.before_now(replace(calendar, now=end)), end)


# --- instants and what lies between them -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Moment:
    """A wall-clock time; without a day the latest in the past. `hourly`: said without minutes ("2pm")."""

    clock: time
    day: Day | None = None
    zone: tzinfo | None = None
    hourly: bool = False
    around: bool = False

    def instant(self, calendar: Calendar) -> datetime:
        there = self.seen_from(calendar)
        return there.at(self.day.date(there), self.clock) if self.day else there.latest(self.clock)

    def window(self, calendar: Calendar) -> Window:
        instant = self.instant(calendar)
        if self.around:
            return Window(instant - AROUND, instant + AROUND)
        return Window(instant, instant + (AT_HOUR if self.hourly else AT_MINUTE))

    def seen_from(self, calendar: Calendar) -> Calendar:
        return replace(calendar, zone=self.zone) if self.zone else calendar


@dataclass(frozen=True, slots=True)
class Stamp:
    """A date with a time, as computers write it; without an offset in the calendar's zone."""

    value: datetime

    def instant(self, calendar: Calendar) -> datetime:
        stamp = self.value if self.value.tzinfo else self.value.replace(tzinfo=calendar.zone)
        return stamp.astimezone(UTC)

    def window(self, calendar: Calendar) -> Window:
        start = self.instant(calendar)
        return Window(start, start + AT_MINUTE)


@dataclass(frozen=True, slots=True)
class Present:
    """ "now" """

    def instant(self, calendar: Calendar) -> datetime:
        return calendar.now

    def window(self, calendar: Calendar) -> Window:
        raise ValueError("an instant without length")


Edge = Moment | Stamp | Present | Ago | Expression


def opening(edge: Edge, calendar: Calendar) -> datetime:
    if isinstance(edge, Moment | Stamp | Present | Ago):
        return edge.instant(calendar)
    return edge.window(calendar).start


def closing(edge: Edge, calendar: Calendar, start: datetime) -> datetime:
    """An end given as a bare clock time is the next one after the start: over midnight, the next day."""
    if isinstance(edge, Moment) and edge.day is None:
        return edge.seen_from(calendar).next_after(start, edge.clock)
    if isinstance(edge, Moment | Stamp | Present | Ago):
        return edge.instant(calendar)
    return edge.window(calendar).end


@dataclass(frozen=True, slots=True)
class Since:
    edge: Edge

    def window(self, calendar: Calendar) -> Window:
        return Window(opening(self.edge, calendar), calendar.now)


@dataclass(frozen=True, slots=True)
class Between:
    first: Edge
    second: Edge

    def window(self, calendar: Calendar) -> Window:
        start = opening(self.first, calendar)
        return Window(start, closing(self.second, calendar, start))


@dataclass(frozen=True, slots=True)
class Zoned:
    """ "yesterday UTC" """

    inner: Expression
    zone: tzinfo

    def window(self, calendar: Calendar) -> Window:
        return self.inner.window(replace(calendar, zone=self.zone))
