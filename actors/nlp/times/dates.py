"""Days as they are written: "yesterday", "Monday", "Tuesday last week", "Nov 3rd", "2026-11-03", "the 3rd".

Every function returns what begins at token `at` and the position after it, or None.
"""

from __future__ import annotations

from datetime import date

from actors.nlp.sentence import Sentence
from actors.nlp.times import durations as q
from actors.nlp.times.days import (
    CalendarDate,
    Day,
    DayBefore,
    DayOfMonth,
    DayOfWeek,
    DaysBack,
    MonthsBack,
    Weekday,
)
from actors.nlp.times.vocabulary import (
    AHEAD,
    BEFORE_WEEKDAY,
    CLEAR_WEEKDAYS,
    MONTHS,
    ORDINALS,
    PART_WORDS,
    SECONDS,
    WEEKDAYS,
    WHOLE,
)

Parsed = tuple[Day, int]
NEAR: dict[str, int] = {"today": 0, "yesterday": 1, "tomorrow": -1, "yday": 1, "ystd": 1, "tmrw": -1, "tmr": -1}
NO_DAY_AFTER = frozenset({"black", "good", "a", "any", "every", "each", "some"})
BEFORE_ORDINAL = frozenset(
    {"on", "since", "from", "until", "till", "by", "between", "to", "of", "and", "through", "-"}
)


def day(s: Sentence, at: int) -> Parsed | None:
    return _near(s, at) or _weekday(s, at) or written(s, at) or days_ago(s, at)


def days_ago(s: Sentence, at: int) -> Parsed | None:
    """ "3 days ago", "a week back", "a month ago" """
    found = q.duration(s, at)
    if found is None or s.word(found[2]) not in ("ago", "back") or found[1] in ("hour", "minute", "second"):
        return None
    length, _, after = found
    if length.months:
        return (MonthsBack(length.months), after + 1) if not length.seconds else None
    days = length.seconds / SECONDS["day"]
    return (DaysBack(int(days)), after + 1) if days == int(days) else None


def _near(s: Sentence, at: int) -> Parsed | None:
    """ "yesterday", "the day before yesterday", "the previous day", "the day before Nov 3rd" """
    start = s.skip(at, "the")
    word = s.word(start)
    if word in NEAR and start == at:
        return DaysBack(NEAR[word]), at + 1
    if word == "previous" and s.word(start + 1) == "day":
        return DaysBack(1), start + 2
    if word == "day" and s.word(start + 1) in ("before", "after"):
        inner = _near(s, start + 2) or _weekday(s, start + 2) or written(s, start + 2)
        if inner is not None:
            return DayBefore(inner[0], 1 if s.word(start + 1) == "before" else -1), inner[1]
    return None


# --- weekdays ----------------------------------------------------------------------------------------


def _weekday(s: Sentence, at: int) -> Parsed | None:
    start = s.skip(at, "the")
    lead = s.word(start)
    first = start
    while s.word(start) in WHOLE or s.word(start) in ("this", "past") or s.word(start) in AHEAD:
        start += 1
        if start - first > 2:
            return None
    name = s.word(start)
    if s.word(at - 1) in NO_DAY_AFTER:
        return None  # "Black Friday", "on a Friday"
    if name not in WEEKDAYS or not (name in CLEAR_WEEKDAYS or _short_may_stand(s, start)):
        return None
    number, after = WEEKDAYS[name], s.skip(start + 1, "last") if s.word(start + 2) != "week" else start + 1
    of_week = _of_week(s, after)
    if of_week is not None and start == first:
        return DayOfWeek(number, of_week[0]), of_week[1]
    if lead in AHEAD:
        return Weekday(number, "next"), after
    return Weekday(number, "this" if start == first + 1 and lead == "this" else "latest"), after


def _short_may_stand(s: Sentence, at: int) -> bool:
    """ "mon" and "sat" may be other words: something around them must say that they are days."""
    following = s.word(at + 1)
    lead = s.word(at - 1)
    return lead in BEFORE_WEEKDAY or lead in WHOLE or following in PART_WORDS or s[at + 1].kind == "clock"


def _of_week(s: Sentence, at: int) -> tuple[int, int] | None:
    """ "of last week", "last week", "this week" """
    start = s.skip(at, "of", "in")
    if s.word(start + 1) == "week" and (s.word(start) in WHOLE or s.word(start) == "this"):
        return int(s.word(start) != "this"), start + 2
    if s.follows(start, "the", "week", "before", "last"):
        return 2, start + 4
    return None


def week_led(s: Sentence, at: int) -> Parsed | None:
    """ "last week on Tuesday", "last week's Tuesday" """
    if s.word(at) not in WHOLE or s.word(at + 1) != "week":
        return None
    after = s.past(at + 2, ("'", "s"), ("’", "s"))
    start = s.skip(s.skip(after, ","), "on")
    name = s.word(start)
    return (DayOfWeek(WEEKDAYS[name], 1), start + 1) if name in WEEKDAYS else None


# --- dates -------------------------------------------------------------------------------------------


def written(s: Sentence, at: int) -> Parsed | None:
    return _iso(s, at) or _named_month(s, at) or _numeric(s, at) or _of_month(s, at)


def _iso(s: Sentence, at: int) -> Parsed | None:
    token = s[at]
    if token.kind != "stamp" or len(token.text) != 10 or "-" not in token.text:
        return None
    try:
        found = date.fromisoformat(token.text)
    except ValueError:
        return None
    return CalendarDate(found.month, found.day, found.year), at + 1


def _named_month(s: Sentence, at: int) -> Parsed | None:
    """ "Nov 3rd", "3 November 2026", "the 3rd of Nov." """
    start = s.skip(at, "the")
    if s.word(start) in MONTHS:
        found = ordinal(s, s.skip(s.skip(start + 1, "."), "the"))
        return _with_year(s, MONTHS[s.word(start)], found[:2]) if found else None
    found = ordinal(s, start)
    if found is None:
        return None
    name = s.skip(s.skip(found[1], "of"), "-")
    if s.word(name) not in MONTHS:
        return None
    return _with_year(
        s, MONTHS[s.word(name)], (found[0], s.skip(name + 1, "-") if _is_year(s, name + 2) else name + 1)
    )


def ordinal(s: Sentence, at: int) -> tuple[int, int, bool] | None:
    """A day of a month, "3" or "3rd", and whether it has its ending."""
    token = s[at]
    if token.kind != "number" or not token.text.isdigit() or not 1 <= int(token.text) <= 31:
        return None
    suffixed = s[at + 1].glued and s.word(at + 1) in ORDINALS
    return int(token.text), at + 2 if suffixed else at + 1, suffixed


def _with_year(s: Sentence, month: int, found: tuple[int, int]) -> Parsed:
    number, after = found
    at = s.skip(after, ",")
    if _is_year(s, at):
        return CalendarDate(month, number, int(s.word(at))), at + 1
    return CalendarDate(month, number), after


def _is_year(s: Sentence, at: int) -> bool:
    text = s.word(at)
    return s[at].kind == "number" and len(text) == 4 and text.isdigit() and text[:2] in ("19", "20")


def _numeric(s: Sentence, at: int) -> Parsed | None:
    """ "2026/11/03", "11/03/2026", "3.11.2026": with a year only; the month comes first unless it cannot."""
    for mark in ("/", "."):
        pieces = _pieces(s, at, mark)
        if pieces is None:
            continue
        (one, two, three), after = pieces
        if one >= 1000 and mark == "/":
            return _checked(one, two, three, after)
        if three >= 1000:
            month, number = (two, one) if mark == "." or one > 12 else (one, two)
            return _checked(three, month, number, after)
    return None


def _pieces(s: Sentence, at: int, mark: str) -> tuple[tuple[int, int, int], int] | None:
    """Three numbers with the mark between them; the scanner has read "3.11" as one."""
    if s[at].kind != "number":
        return None
    text, after = s.word(at), at + 1
    while s.word(after) == mark and s[after].glued and s[after + 1].kind == "number" and s[after + 1].glued:
        text, after = f"{text}{mark}{s.word(after + 1)}", after + 2
        if after > at + 5:
            return None
    parts = text.split(mark)
    if len(parts) != 3 or not all(part.isdigit() and len(part) <= 4 for part in parts):
        return None
    return (int(parts[0]), int(parts[1]), int(parts[2])), after


def _checked(year: int, month: int, number: int, after: int) -> Parsed | None:
    try:
        date(year, month, number)
    except ValueError:
        return None
    return CalendarDate(month, number, year), after


def _of_month(s: Sentence, at: int) -> Parsed | None:
    """ "on the 3rd": not "the 3rd one"."""
    if s.word(at) != "the" or s.word(at - 1) not in BEFORE_ORDINAL:
        return None
    found = ordinal(s, at + 1)
    if found is None or not found[2]:
        return None
    following = s[found[1]]
    ends = following.kind != "word" or following.text in BEFORE_ORDINAL or following.text in ("at", "in", "for")
    return (DayOfMonth(found[0]), found[1]) if ends and following.text != "%" else None
