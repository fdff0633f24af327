"""The words of time."""

from __future__ import annotations

from datetime import UTC, time, timedelta, timezone, tzinfo
from typing import Literal

Unit = Literal["second", "minute", "hour", "day", "week", "fortnight", "month", "year"]
PartName = Literal["morning", "afternoon", "evening", "night"]

SECONDS: dict[Unit, int] = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 7 * 86_400,
    "fortnight": 14 * 86_400,
}
MONTHS_IN: dict[Unit, int] = {"month": 1, "year": 12}

LETTERS: dict[str, Unit] = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
"""Only next to a number: "5m", never "m"."""

_SPELLINGS: dict[Unit, tuple[str, ...]] = {
    "second": ("sec", "secs", "second", "seconds"),
    "minute": ("min", "mins", "minute", "minutes"),
    "hour": ("hr", "hrs", "hour", "hours"),
    "day": ("day", "days"),
    "week": ("wk", "wks", "week", "weeks"),
    "fortnight": ("fortnight", "fortnights"),
    "month": ("month", "months"),
    "year": ("yr", "yrs", "year", "years"),
}
UNITS: dict[str, Unit] = {word: unit for unit, words in _SPELLINGS.items() for word in words}
NUMBERS: dict[str, float] = {
    word: float(value)
    for value, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        start=1,
    )
} | {
    "a": 1.0,
    "an": 1.0,
    "couple": 2.0,
    "few": 3.0,
    "fifteen": 15.0,
    "twenty": 20.0,
    "thirty": 30.0,
    "forty": 40.0,
    "fifty": 50.0,
    "sixty": 60.0,
    "ninety": 90.0,
    "half": 0.5,
}
BACKWARD = frozenset({"last", "past", "previous", "preceding", "trailing"})

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WEEKDAYS: dict[str, int] = {name: number for number, name in enumerate(_WEEKDAYS)}
SHORT_WEEKDAYS: dict[str, int] = {
    **{name[:3]: number for name, number in WEEKDAYS.items()},
    "tues": 1,
    "thur": 3,
    "thurs": 3,
}
BEFORE_SHORT_WEEKDAY = frozenset({"on", "last", "since", "from", "between", "and", "to", "until", "this", "past"})

_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
MONTHS: dict[str, int] = {
    **{name: number for number, name in enumerate(_MONTHS, start=1)},
    **{name[:3]: number for number, name in enumerate(_MONTHS, start=1)},
    "sept": 9,
}
ORDINALS = frozenset({"st", "nd", "rd", "th"})

PARTS: dict[PartName, tuple[time, time]] = {
    "morning": (time(6), time(12)),
    "afternoon": (time(12), time(18)),
    "evening": (time(18), time(22)),
    "night": (time(22), time(6)),
}
PART_WORDS: dict[str, PartName] = {name: name for name in PARTS}
NAMED_CLOCKS: dict[str, time] = {"noon": time(12), "midday": time(12), "midnight": time(0)}
MERIDIEMS = frozenset({"am", "pm"})


def _offset(hours: float, name: str) -> tzinfo:
    return timezone(timedelta(hours=hours), name)


ZONES: dict[str, tzinfo] = {
    "utc": UTC,
    "gmt": UTC,
    "z": UTC,
    **{
        name.lower(): _offset(hours, name)
        for name, hours in (
            ("WET", 0),
            ("WEST", 1),
            ("BST", 1),
            ("CET", 1),
            ("CEST", 2),
            ("EET", 2),
            ("EEST", 3),
            ("MSK", 3),
            ("JST", 9),
            ("KST", 9),
            ("AEST", 10),
            ("AEDT", 11),
            ("EST", -5),
            ("EDT", -4),
            ("CST", -6),
            ("CDT", -5),
            ("MST", -7),
            ("MDT", -6),
            ("PST", -8),
            ("PDT", -7),
        )
    },
}
"""The usual reading of abbreviations; the ambiguous ones (IST) are left out."""
