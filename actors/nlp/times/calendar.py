"""Days, clocks and months of one time zone, seen from one instant. Every instant that leaves is in UTC.

Wall-clock arithmetic happens on dates and times of the zone, elapsed time on instants: that is what makes
a local day 23 or 25 hours long where clocks change.
"""

from __future__ import annotations

import calendar as gregorian
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

MIDNIGHT = time()
DAY = timedelta(days=1)


class Window(NamedTuple):
    """Half-open."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Calendar:
    """`earlier` is the window of the question before, for "the hour before that". With `forward` the question is
    about what is to come: a weekday or a date is then the next one, not the latest."""

    now: datetime
    zone: tzinfo
    earlier: Window | None = None
    forward: bool = False

    @property
    def local_now(self) -> datetime:
        return self.now.astimezone(self.zone)

    @property
    def today(self) -> date:
        return self.local_now.date()

    def at(self, day: date, clock: time = MIDNIGHT, *, fold: int = 0) -> datetime:
        """A wall-clock time that a change of clocks skips is the instant it would have been without it."""
        return datetime.combine(day, clock.replace(fold=fold), self.zone).astimezone(UTC)

    def days(self, first: date, after: date) -> Window:
        """From the midnight that begins `first` to the one that begins `after`."""
        return Window(self.at(first), self.at(after))

    def day(self, day: date) -> Window:
        return self.days(day, day + DAY)

    def latest(self, clock: time) -> datetime:
        """The last time before now that the wall clock showed this."""
        days = (self.today, self.today - DAY, self.today - 2 * DAY)
        return max(
            instant for day in days for fold in (0, 1) if (instant := self.at(day, clock, fold=fold)) < self.now
        )

    def next_after(self, start: datetime, clock: time) -> datetime:
        """The first time after `start` that the wall clock shows this."""
        first = start.astimezone(self.zone).date()
        days = (first, first + DAY, first + 2 * DAY)
        return min(
            instant for day in days for fold in (0, 1) if (instant := self.at(day, clock, fold=fold)) > start
        )

    def months_back(self, months: int) -> datetime:
        """The same day and wall-clock time so many months ago; the month's last day where it has no such day."""
        local = self.local_now
        return self.at(months_before(local.date(), months), local.time().replace(tzinfo=None))


def months_before(day: date, months: int) -> date:
    """Raises ValueError before the year 1."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    last = gregorian.monthrange(year, month + 1)[1] if year >= 1 else 0
    return date(year, month + 1, min(day.day, last))
