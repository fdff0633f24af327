"""Durations as people write them: `5s`, `30m`, `1h30m`, `500ms`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
"""Per unit, the largest first."""
PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|d|h|m|s))+$"
LONGEST_TEXT = 64
LONGEST = timedelta(days=366)

_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[dhms])")


def parse(text: str) -> timedelta:
    """Parts of number and unit, each unit once, the larger first.

    Finer than a microsecond is cut. Raises ValueError, saying what a duration looks like, also above 366 days.
    """
    parts = _PART.findall(text) if len(text) <= LONGEST_TEXT else []
    units = [unit for _, unit in parts]
    in_order = units == [unit for unit in MICROSECONDS if unit in units]
    if not parts or not in_order or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text[:LONGEST_TEXT]!r} is no duration: write 500ms, 5s, 30m, 1h30m or 2d")
    found = sum(_microseconds(number, MICROSECONDS[unit]) for number, unit in parts)
    if found > LONGEST // timedelta(microseconds=1):
        raise ValueError(f"{text!r} is longer than {written(LONGEST)}")
    return timedelta(microseconds=found)


def written(duration: timedelta) -> str:
    """The shortest text that `parse` reads as this duration, down to a millisecond's fraction."""
    rest = duration // timedelta(microseconds=1)
    text = ""
    for unit, size in MICROSECONDS.items():
        if unit == "ms":
            break
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    if rest:
        text += f"{rest / 1_000:.3f}".rstrip("0").rstrip(".") + "ms"
    return text or "0s"


def _microseconds(number: str, size: int) -> int:
    whole, _, fraction = number.partition(".")
    return int(whole) * size + (int(fraction) * size // 10 ** len(fraction) if fraction else 0)


def _read(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse(value)
    raise ValueError("a duration is a text with its unit: 500ms, 5s, 30m, 1h30m or 2d")


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    PlainSerializer(written, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN, "examples": ["500ms", "5s", "30m", "1h30m"]}),
]
