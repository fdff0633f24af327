"""The small parts of the grammar: amounts, durations, clock times, zones, days.

Every function returns what begins at token `at` and the position after it, or None.
"""

from __future__ import annotations

from datetime import date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.nlp.times.expressions import CalendarDate, Day, DaysBack, Duration, Moment, Present, Stamp, Weekday
from actors.nlp.times.sentence import Sentence
from actors.nlp.times.vocabulary import (
    BEFORE_SHORT_WEEKDAY,
    LETTERS,
    MERIDIEMS,
    MONTHS,
    MONTHS_IN,
    NAMED_CLOCKS,
    NUMBERS,
    ORDINALS,
    SECONDS,
    SHORT_WEEKDAYS,
    UNITS,
    WEEKDAYS,
    ZONES,
    Unit,
)


def amount(s: Sentence, at: int) -> tuple[float, int] | None:
    """ "30", "a couple of", "half an" """
    token = s[at]
    if token.kind == "number":
        return float(token.text), at + 1
    if token.text in ("a", "an", "the") and s.word(at + 1) in ("couple", "few", "half"):
        at += 1
    value = NUMBERS.get(s.word(at))
    if value is None:
        return None
    after = s.skip(at + 1, "of") if s.word(at) == "couple" else at + 1
    return value, s.skip(after, "a", "an") if value == 0.5 else after


def unit(s: Sentence, at: int) -> tuple[Unit, int] | None:
    if s[at].glued and s.word(at) == "-" and s[at + 1].glued:
        at += 1  # "24-hour"
    token = s[at]
    if token.glued and s[at - 1].kind == "number" and token.text in LETTERS:
        return LETTERS[token.text], at + 1
    return (UNITS[token.text], at + 1) if token.text in UNITS else None


def duration(s: Sentence, at: int) -> tuple[Duration, Unit, int] | None:
    """ "90m", "1h30m", "2 hours and 30 minutes", "an hour and a half"; the unit is the first one named."""
    first = _measure(s, at)
    if first is None:
        return None
    total, first_unit, after = first
    if s.follows(after, "and", "a", "half"):
        half = times_unit(0.5, first_unit)
        return (total + half, first_unit, after + 3) if half else None
    for _ in range(2):
        more = _measure(s, s.skip(after, "and"))
        if more is None or s[s.skip(after, "and")].kind != "number":
            break
        total, after = total + more[0], more[2]
    return total, first_unit, after


def _measure(s: Sentence, at: int) -> tuple[Duration, Unit, int] | None:
    found = amount(s, at)
    if found is None:
        return None
    of = unit(s, found[1])
    length = times_unit(found[0], of[0]) if of else None
    return (length, of[0], of[1]) if of and length else None


def times_unit(value: float, of: Unit) -> Duration | None:
    """None for parts of a month: they have no length."""
    if of in MONTHS_IN:
        months = value * MONTHS_IN[of]
        return Duration(months=int(months)) if months == int(months) else None
    return Duration(seconds=value * SECONDS[of])


# --- clock times -----------------------------------------------------------------------------------


def zone(s: Sentence, at: int) -> tuple[tzinfo, int] | None:
    """ "UTC", "Europe/Berlin" """
    token = s[at]
    if token.text in ZONES and (token.text != "z" or token.glued):
        return ZONES[token.text], at + 1
    if token.kind != "word" or s.word(at + 1) != "/" or s[at + 2].kind != "word" or not s[at + 1].glued:
        return None
    place = s.word(at + 2)
    after = at + 3
    while s.word(after) == "_" and s[after].glued and s[after + 1].kind == "word":
        place, after = f"{place}_{s.word(after + 1)}", after + 2
    try:
        return ZoneInfo(f"{token.text.title()}/{place.title()}"), after
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None  # two words with a slash between them that are no place


def moment(s: Sentence, at: int, *, bare: bool = False) -> tuple[Moment | Stamp | Present, int] | None:
    """ "14:00", "2pm", "2:30 pm UTC", "noon", "now"; with `bare` an hour alone too."""
    if s.word(at) == "now":
        return Present(), at + 1
    stamp = _stamp(s, at)
    if stamp is not None:
        return stamp
    found = _clock(s, at, bare=bare)
    if found is None:
        return None
    clock, hourly, after = found
    place = zone(s, s.skip(after, "in") if zone(s, after + 1) else after)
    if place is None:
        return Moment(clock, hourly=hourly), after
    return Moment(clock, zone=place[0], hourly=hourly), place[1]


def _stamp(s: Sentence, at: int) -> tuple[Stamp, int] | None:
    token = s[at]
    if token.kind != "stamp" or len(token.text) == 10:
        return None
    try:
        value = datetime.fromisoformat(token.text.upper())
    except ValueError:
        return None
    place = None if value.tzinfo else zone(s, at + 1)
    return (Stamp(value.replace(tzinfo=place[0])), place[1]) if place else (Stamp(value), at + 1)


def _clock(s: Sentence, at: int, *, bare: bool) -> tuple[time, bool, int] | None:
    token = s[at]
    if token.text in NAMED_CLOCKS:
        return NAMED_CLOCKS[token.text], False, at + 1
    if token.kind not in ("clock", "number") or "." in token.text:
        return None
    parts = [*(int(part) for part in token.text.split(":")), 0, 0][:3]
    meridiem, after = s.word(at + 1), at + 1
    if meridiem in MERIDIEMS and 1 <= parts[0] <= 12:
        parts[0] = parts[0] % 12 + (12 if meridiem == "pm" else 0)
        after += 1
    elif token.kind == "number" and not bare:
        return None
    try:
        return time(parts[0], parts[1], parts[2]), token.kind == "number", after
    except ValueError:
        return None  # 25:70


# --- days ------------------------------------------------------------------------------------------


def day(s: Sentence, at: int) -> tuple[Day, int] | None:
    """ "yesterday", "Monday", "the day before yesterday", "3 days ago", "Nov 3rd", "2025-11-03" """
    if s.follows(at, "the", "day", "before", "yesterday"):
        return DaysBack(2), at + 4
    if s.follows(at, "day", "before", "yesterday"):
        return DaysBack(2), at + 3
    if s.word(at) in ("today", "yesterday"):
        return DaysBack(int(s.word(at) == "yesterday")), at + 1
    if s.word(at) == "previous" and s.word(at + 1) == "day":
        return DaysBack(1), at + 2
    return _weekday(s, at) or _date(s, at)


def _weekday(s: Sentence, at: int) -> tuple[Day, int] | None:
    start = s.skip(at, "last", "past", "this")
    name = s.word(start)
    if name in WEEKDAYS:
        return Weekday(WEEKDAYS[name]), start + 1
    if name in SHORT_WEEKDAYS and s.word(start - 1) in BEFORE_SHORT_WEEKDAY:
        return Weekday(SHORT_WEEKDAYS[name]), start + 1
    return None


def _date(s: Sentence, at: int) -> tuple[Day, int] | None:
    token = s[at]
    if token.kind == "stamp" and len(token.text) == 10:
        return _iso_date(token.text, at)
    start = s.skip(at, "the")
    if s.word(start) in MONTHS:
        found = _ordinal(s, s.skip(start + 1, "."))
        return _with_year(s, MONTHS[s.word(start)], found) if found else None
    found = _ordinal(s, start)
    if found is None:
        return None
    name = s.skip(found[1], "of")
    return _with_year(s, MONTHS[s.word(name)], (found[0], name + 1)) if s.word(name) in MONTHS else None


def _iso_date(text: str, at: int) -> tuple[Day, int] | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return CalendarDate(found.month, found.day, found.year), at + 1


def _ordinal(s: Sentence, at: int) -> tuple[int, int] | None:
    """A day of a month: "3", "3rd"."""
    token = s[at]
    if token.kind != "number" or not token.text.isdigit() or not 1 <= int(token.text) <= 31:
        return None
    suffixed = s[at + 1].glued and s.word(at + 1) in ORDINALS
    return int(token.text), at + 2 if suffixed else at + 1


def _with_year(s: Sentence, month: int, found: tuple[int, int]) -> tuple[Day, int]:
    number, after = found
    at = s.skip(after, ",")
    text = s.word(at)
    if s[at].kind == "number" and len(text) == 4 and text.isdigit() and text[:2] in ("19", "20"):
        return CalendarDate(month, number, int(text)), at + 1
    return CalendarDate(month, number), after
