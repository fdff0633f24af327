"""The words of time, from `words.toml`, with what is needed to understand them misspelt."""

from __future__ import annotations

import tomllib
from datetime import UTC, time, timedelta, timezone, tzinfo
from functools import cache
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from actors.nlp.spelling import Spelling

Unit = Literal["second", "minute", "hour", "day", "week", "fortnight", "month", "quarter", "year"]
PartName = Literal["morning", "afternoon", "evening", "night"]

_TABLES = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))


def _words(table: str, name: str = "words") -> frozenset[str]:
    return frozenset(str(_TABLES[table][name]).split())


def _spelt(table: str) -> dict[str, str]:
    """Each way of writing -> the name."""
    return {way: name for name, ways in _TABLES[table].items() for way in (name, *str(ways).split())}


SECONDS: dict[Unit, int] = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 7 * 86_400,
    "fortnight": 14 * 86_400,
}
MONTHS_IN: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}
_UNIT_NAMES: dict[str, Unit] = {unit: unit for unit in get_args(Unit)}
LETTERS: dict[str, Unit] = {letter: _UNIT_NAMES[unit] for letter, unit in _TABLES["letters"].items()}
"""Only next to a number: "5m", never "m"."""
UNITS: dict[str, Unit] = {way: _UNIT_NAMES[unit] for way, unit in _spelt("units").items()}
_LONG_UNITS = tuple(word for word in UNITS if len(word) >= 4 and word not in ("year", "years", "secs", "mins"))
UNIT_SPELLING = Spelling(_LONG_UNITS, _words("real"))
"""Only after a number or a word like "last": "last houre"."""

BEGINS = _words("leads", "begins")
COMPARING = _words("leads", "comparing")
STEPS = _words("leads", "steps")
EXCEEDING = _words("leads", "exceeding")
BACKWARD = _words("leads", "backward")
WHOLE = _words("leads", "whole")
CURRENT = _words("leads", "current")
AHEAD = _words("leads", "ahead")
TO = _words("leads", "to")
AROUND = _words("leads", "around")
FORWARD = _words("forward")
ORDERS = _words("forward", "orders")
BEFORE_ORDERS = _words("forward", "before_orders")

_NUMBERS = {name: number for number, name in enumerate(_TABLES["weekdays"])}
WEEKDAYS: dict[str, int] = {way: _NUMBERS[name] for way, name in _spelt("weekdays").items()}
"""Monday is 0."""
CLEAR_WEEKDAYS = frozenset(_NUMBERS) | _words("clear", "weekdays")
BEFORE_WEEKDAY = _words("before", "weekdays")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_TABLES["months"], start=1)}
MONTHS: dict[str, int] = {way: _MONTH_NUMBERS[name] for way, name in _spelt("months").items()}
CLEAR_MONTHS = _words("clear", "months")
BEFORE_MONTH = _words("before", "months")
AFTER_MONTH = _words("after", "months")
ORDINALS = frozenset({"st", "nd", "rd", "th"})

PARTS: dict[PartName, tuple[time, time]] = {
    "morning": (time(6), time(12)),
    "afternoon": (time(12), time(18)),
    "evening": (time(18), time(22)),
    "night": (time(22), time(6)),
}
_PART_NAMES: dict[str, PartName] = {part: part for part in PARTS}
PART_WORDS: dict[str, PartName] = {way: _PART_NAMES[name] for way, name in _spelt("parts").items()}
_CLOCKS = {"noon": time(12), "midnight": time(0)}
NAMED_CLOCKS: dict[str, time] = {way: _CLOCKS[name] for way, name in _spelt("clocks").items()}

_OWN_WORDS = ("today", "yesterday", "tomorrow", "tonight", "overnight", "weekend", "fortnight", "between")
SPELLING = Spelling(
    [
        *(word for word in _OWN_WORDS if len(word) > 6),
        *(name for name in _NUMBERS if len(name) > 5),
        *(name for name in _MONTH_NUMBERS if len(name) > 6),
        *("minutes", "minute", "afternoon", "midnight", "previous", "morning", "evening"),
    ],
    _words("real") | frozenset(UNITS) | frozenset(WEEKDAYS) | frozenset(MONTHS),
)
"""Whatever stands around them: they are like no other word."""
SHORTEST_CORRECTED = 6


# --- zones -----------------------------------------------------------------------------------------

OFFSETS: dict[str, tzinfo] = {
    name: timezone(timedelta(hours=hours), name.upper()) if hours else UTC
    for name, hours in _TABLES["offsets"].items()
}
PLACES: dict[str, str] = dict(_TABLES["places"])
LONGEST_PLACE = 3
"""Words in the name of a place."""


@cache
def places() -> dict[str, str]:
    """Names of places in lower case, as they are spoken -> zones. Read when a text first needs one."""
    cities = {
        name.rpartition("/")[2].replace("_", " ").lower(): name
        for name in sorted(available_timezones())
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    }
    return cities | PLACES


def place(name: str) -> tzinfo | None:
    zone = places().get(name)
    return ZoneInfo(zone) if zone else None
