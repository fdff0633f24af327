"""A value of any unit as people read it: `0.0023` of `ratio` is "0.23 %", `325541395` of `bytes` is "310 MiB"."""

from __future__ import annotations

from actors.conversation.answers import figures
from schemas.adapters import EvidenceResult

_PER = {"second": "s", "minute": "min", "hour": "h", "day": "day"}
_SECONDS = {"minute": 60.0, "hour": 3_600.0, "day": 86_400.0}
_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_WORDS = {
    "cores": "cores",
    "count": "",
    "times": "times",
    "usd": "USD",
    "waiting": "waiting",
}
"""Units that are called otherwise than they are named; the others are their own plural."""
_MANY = 100
"""From here on decimals say nothing."""


def told(value: float, unit: str | None, *, apart_from: float | None = None) -> str:
    """With its unit, to three digits or so; with `apart_from` as many as it takes not to read like that one.

    A unit that ends in `_per_minute` and its like is a rate: "649 requests/min".
    """
    if unit == "ratio":
        return figures.percent(value, apart_from=apart_from)
    if unit == "seconds":
        return figures.seconds(value, apart_from=apart_from)
    name, per, time = (unit or "count").partition("_per_")
    if per and name == "requests" and time == "second":
        return figures.rate(value)
    amount = _binary(value) if name == "bytes" else _amount(value, name)
    return f"{amount}/{_PER.get(time, time.replace('_', ' '))}" if per else amount


def told_per_seconds(unit: str | None) -> float:
    """60 for a rate per minute; 1 for what is no rate, and for one per second, as conditions give them."""
    return _SECONDS.get((unit or "").partition("_per_")[2], 1.0)


def apart(first: float, second: float, unit: str | None) -> str:
    """How far two values are from each other, without a sign; ratios in percentage points."""
    away = abs(first - second)
    if unit != "ratio":
        return told(away, unit)
    return figures.percent(away).replace(" %", " percentage points")


def figure_of(result: EvidenceResult) -> str:
    """A single value of the evidence. Raises TypeError for what is no number."""
    return told(float(result.value), result.unit)


def _amount(value: float, unit: str) -> str:
    text = number(value)
    word = _WORDS.get(unit, unit.replace("_", " "))
    if text == "1" and word.endswith("s") and unit != "times":
        word = word.removesuffix("s")
    return f"{text} {word}".rstrip()


def number(value: float) -> str:
    """Three significant digits, more only before the point: 3.6, 0.0877, 38,966."""
    if abs(value) >= _MANY:
        return figures.count(value)
    return figures.plain(value, figures.significant_decimals(value, 3))


def _binary(value: float) -> str:
    size = 0
    while abs(value) >= 1_024 and size < len(_BINARY) - 1:
        value, size = value / 1_024, size + 1
    return f"{number(value)} {_BINARY[size]}"
