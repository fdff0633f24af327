"""Instants, and the windows between them: "at 14:00", "since Monday", "between 2pm and 4pm"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from actors.nlp.times.calendar import DAY, Calendar, Window
from actors.nlp.times.days import Day, is_weekday_of
from actors.nlp.times.expressions import Ago, EndOf, Expression, PartOfDay, StartOf, WholeDay

AT_MINUTE = timedelta(minutes=5)
AT_HOUR = timedelta(hours=1)
AROUND = timedelta(minutes=15)
NOON = 12


@dataclass(frozen=True, slots=True)
class Moment:
    """A wall-clock time; without a day the latest in the past. `hourly`: said without minutes ("2pm").
    `either`: said in words that hold twice a day ("half past three")."""

    clock: time
    day: Day | None = None
    zone: tzinfo | None = None
    hourly: bool = False
    around: bool = False
    either: bool = False

    def instant(self, calendar: Calendar) -> datetime:
        there = self.seen_from(calendar)
        if self.day is not None:
            today = there.at(there.today, self.clock)
            if not calendar.forward and is_weekday_of(self.day, there.today) and today < there.now:
                return today  # "Monday 6:00", asked on a Monday at nine
            return there.at(self.day.date(there), self.clock)
        if calendar.forward:
            return there.next_after(calendar.now, self.clock)
        return max(there.latest(clock) for clock in self.clocks())

    def clocks(self) -> tuple[time, ...]:
        return (self.clock, self.clock.replace(hour=(self.clock.hour + 12) % 24)) if self.either else (self.clock,)

    def window(self, calendar: Calendar) -> Window:
        instant = self.instant(calendar)
        if self.around:
            return Window(instant - AROUND, instant + AROUND)
        return Window(instant, instant + (AT_HOUR if self.hourly else AT_MINUTE))

    def seen_from(self, calendar: Calendar) -> Calendar:
        return replace(calendar, zone=self.zone) if self.zone else calendar


@dataclass(frozen=True, slots=True)
class MomentInPart:
    """ "9 this morning", "2am last night": the clock time inside that part of that day."""

    moment: Moment
    part: PartOfDay

    def instant(self, calendar: Calendar) -> datetime:
        there = self.moment.seen_from(calendar)
        begins, ends = self.part.window(there)
        day = self.part.date(there)
        clocks = (self.moment.clock, self.moment.clock.replace(hour=(self.moment.clock.hour + 12) % 24))
        halves = clocks[:1] if self.moment.clock.hour > NOON else clocks
        for clock in halves:
            for on in (day, day + DAY):
                if begins <= (instant := there.at(on, clock)) < ends:
                    return instant
        return there.at(day, self.moment.clock)

    def window(self, calendar: Calendar) -> Window:
        instant = self.instant(calendar)
        if self.moment.around:
            return Window(instant - AROUND, instant + AROUND)
        return Window(instant, instant + (AT_HOUR if self.moment.hourly else AT_MINUTE))


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


Instant = Moment | MomentInPart | Stamp | Present | Ago | EndOf | StartOf
Edge = Instant | Expression


def opening(edge: Edge, calendar: Calendar) -> datetime:
    if isinstance(edge, Instant):
        return edge.instant(calendar)
    return edge.window(calendar).start


def closing(edge: Edge, calendar: Calendar, start: datetime) -> datetime:
    """An end given as a bare clock time is the next one after the start: over midnight, the next day."""
    if isinstance(edge, Moment) and edge.day is None:
        there = edge.seen_from(calendar)
        return min(there.next_after(start, clock) for clock in edge.clocks())
    if isinstance(edge, Instant):
        return edge.instant(calendar)
    return edge.window(calendar).end


@dataclass(frozen=True, slots=True)
class Since:
    edge: Edge

    def window(self, calendar: Calendar) -> Window:
        return Window(opening(self.edge, replace(calendar, forward=False)), calendar.now)


@dataclass(frozen=True, slots=True)
class Between:
    """Where the start does not come before the end, it is the one before that end ("Wednesday to Monday")."""

    first: Edge
    second: Edge

    def window(self, calendar: Calendar) -> Window:
        start = opening(self.first, calendar)
        end = closing(self.second, calendar, start)
        if start >= end:
            start = opening(self.first, replace(calendar, now=end, forward=False))
        return Window(start, end)


@dataclass(frozen=True, slots=True)
class UpTo:
    """ "until 10:00", "before noon yesterday": from the start of that day. Where it lies ahead, from now.
    `whole` includes the last day that is named ("until Friday")."""

    edge: Edge
    whole: bool

    def window(self, calendar: Calendar) -> Window:
        end = closing(self.edge, calendar, calendar.now) if self.whole else opening(self.edge, calendar)
        if isinstance(self.edge, Moment):
            end = self.edge.instant(calendar)
        if end > calendar.now:
            return Window(calendar.now, end)
        day = replace(calendar, now=end - timedelta(microseconds=1)).today
        return Window(calendar.at(day), end)


@dataclass(frozen=True, slots=True)
class AfterOnDay:
    """ "yesterday after 3pm": to the end of that day."""

    moment: Moment
    day: Day

    def window(self, calendar: Calendar) -> Window:
        there = self.moment.seen_from(calendar)
        return Window(self.moment.instant(calendar), WholeDay(self.day).window(there).end)
