"""Days that a text can name, and the date each is seen from a calendar.

`date` raises ValueError or OverflowError where there is no such day (30 February, the year 0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, Protocol

from actors.nlp.times.calendar import DAY, Calendar, months_before


class Day(Protocol):
    def date(self, calendar: Calendar) -> date: ...


@dataclass(frozen=True, slots=True)
class DaysBack:
    """Days ahead are negative."""

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
    """`which` "latest" is the latest that is over (on a Monday, "Monday" is a week ago), or the next one where
    the question looks ahead; "this" is the one of the current week. Monday is 0."""

    number: int
    which: Literal["latest", "this", "next"] = "latest"

    def date(self, calendar: Calendar) -> date:
        back = (calendar.today.weekday() - self.number) % 7
        ahead = calendar.today + timedelta(days=7 - back)
        if self.which == "next" or (self.which == "latest" and calendar.forward):
            return ahead
        if self.which == "this":
            here = week_of(calendar.today) + timedelta(days=self.number)
            if here <= calendar.today or calendar.forward:
                return here
        return calendar.today - timedelta(days=back or 7)


@dataclass(frozen=True, slots=True)
class DayOfWeek:
    """ "Tuesday last week" """

    number: int
    weeks_back: int

    def date(self, calendar: Calendar) -> date:
        return week_of(calendar.today) + timedelta(days=self.number - 7 * self.weeks_back)


@dataclass(frozen=True, slots=True)
class CalendarDate:
    """Without a year: the latest that has begun, or the next where the question looks ahead."""

    month: int
    day: int
    year: int | None = None

    def date(self, calendar: Calendar) -> date:
        if self.year is not None:
            return date(self.year, self.month, self.day)
        step = 1 if calendar.forward else -1
        for years in range(10):  # 29 February may be eight years away
            found = _date_or_none(calendar.today.year + step * years, self.month, self.day)
            if found is not None and (found - calendar.today).days * step >= 0:
                return found
        raise ValueError(f"no month {self.month} has a day {self.day}")


@dataclass(frozen=True, slots=True)
class DayOfMonth:
    """ "the 3rd": of this month, or of the latest that has one and has reached it."""

    day: int

    def date(self, calendar: Calendar) -> date:
        step = -1 if calendar.forward else 1
        for months in range(4):
            first = months_before(calendar.today.replace(day=1), step * months)
            found = _date_or_none(first.year, first.month, self.day)
            if found is not None and (calendar.today - found).days * step >= 0:
                return found
        raise ValueError(f"no month has a day {self.day}")


@dataclass(frozen=True, slots=True)
class DayBefore:
    """ "the day before Nov 3rd", "two days before yesterday" """

    day: Day
    days: int = 1

    def date(self, calendar: Calendar) -> date:
        return self.day.date(calendar) - self.days * DAY


@dataclass(frozen=True, slots=True)
class DayBeforeThat:
    """ "the day before", "two days earlier": seen from the window asked for before."""

    days: int = 1

    def date(self, calendar: Calendar) -> date:
        if calendar.earlier is None:
            raise ValueError("nothing was asked before")
        return replace(calendar, now=calendar.earlier.start).today - self.days * DAY


def is_weekday_of(day: Day, today: date) -> bool:
    """True for "Monday" on a Monday."""
    return isinstance(day, Weekday) and day.which == "latest" and day.number == today.weekday()


def week_of(day: date) -> date:
    """Its Monday."""
    return day - timedelta(days=day.weekday())


def _date_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
