"""The window that a figure holds for, in words that follow it: "over the last hour"."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from schemas.plans import TimeRange

MINUTE, HOUR, DAY = 60, 3_600, 86_400
LONGEST_IN_MINUTES = 3 * HOUR
LONGEST_IN_HOURS = 48 * HOUR


def window(range: TimeRange, as_of: datetime, timezone: str) -> str:
    """Relative to `as_of` when it ends there, else with clock times of the zone.

    Raises zoneinfo.ZoneInfoNotFoundError for an unknown zone.
    """
    zone = ZoneInfo(timezone)
    start, end, now = (instant.astimezone(zone) for instant in (range.start, range.end, as_of))
    if abs(range.end - as_of) < timedelta(seconds=1):
        elapsed = _elapsed(round((range.end - range.start).total_seconds()))
        return f"over the last {elapsed}" if elapsed else f"since {_since(start, now)}"
    if _is_midnight(start) and _is_midnight(end):
        return _days(start, end, now)
    return _between(start, end, now)


def moment(instant: datetime, as_of: datetime, timezone: str) -> str:
    """ "02:59 UTC", with the day where it is another one than that of `as_of`."""
    zone = ZoneInfo(timezone)
    at, now = instant.astimezone(zone), as_of.astimezone(zone)
    day = "" if at.date() == now.date() else f" on {_date(at, now)}"
    return f"{_clock(at)} {_zone(at)}{day}"


def between(range: TimeRange, as_of: datetime, timezone: str) -> str:
    """ "from 02:50 to 03:20 UTC": clock times, whenever it ends."""
    zone = ZoneInfo(timezone)
    return _between(range.start.astimezone(zone), range.end.astimezone(zone), as_of.astimezone(zone))


def length(seconds: float) -> str:
    """ "30 minutes", "an hour", "2.5 days": the largest unit that fits, one decimal."""
    text = bare_length(seconds)
    return text if text[0].isdecimal() else f"{'an' if text == 'hour' else 'a'} {text}"


def bare_length(seconds: float) -> str:
    """To follow an article: "the next hour", "the next 6 hours"."""
    for unit, size in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
        if seconds >= size:
            number = round(seconds / size, 1)
            return unit if number == 1 else f"{number:g} {unit}s"
    return _counted(round(seconds), "second")


def _elapsed(length: int) -> str | None:
    """None for a length that is no whole number of minutes, hours or days that people would say."""
    if length < MINUTE:
        return _counted(length, "second")
    if length % HOUR == 0 and length <= LONGEST_IN_HOURS:
        return _counted(length // HOUR, "hour")
    if length % MINUTE == 0 and length <= LONGEST_IN_MINUTES:
        return _counted(length // MINUTE, "minute")
    return _counted(length // DAY, "day") if length % DAY == 0 else None


def _counted(number: int, unit: str) -> str:
    return unit if number == 1 else f"{number} {unit}s"


def _since(start: datetime, now: datetime) -> str:
    day = "" if start.date() == now.date() else f" on {_date(start, now)}"
    return f"{_clock(start)} {_zone(start)}{day}"


def _days(start: datetime, end: datetime, now: datetime) -> str:
    last = (end - timedelta(days=1)).date()
    if start.date() == last:
        return f"on {_date(start, now)} ({_zone(start)})"
    return f"from {_date(start, now)} to {_date(end - timedelta(days=1), now)} ({_zone(start)})"


def _between(start: datetime, end: datetime, now: datetime) -> str:
    same_zone = _zone(start) == _zone(end)
    first = _clock(start) if same_zone else f"{_clock(start)} {_zone(start)}"
    if start.date() == end.date():
        return f"from {first} to {_clock(end)} {_zone(end)} on {_date(end, now)}"
    return f"from {first} on {_date(start, now)} to {_clock(end)} {_zone(end)} on {_date(end, now)}"


def _clock(instant: datetime) -> str:
    return f"{instant:%H:%M:%S}" if instant.second else f"{instant:%H:%M}"


def _date(instant: datetime, now: datetime) -> str:
    year = "" if instant.year == now.year else f" {instant.year}"
    return f"{instant.day} {instant:%b}{year}"


def _zone(instant: datetime) -> str:
    """The abbreviation; zones that have none are named by their offset."""
    name = instant.tzname() or ""
    return name if name.isalpha() else f"UTC{instant:%z}"


def _is_midnight(instant: datetime) -> bool:
    return (instant.hour, instant.minute, instant.second) == (0, 0, 0)
