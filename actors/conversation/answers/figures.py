"""Numbers with their units, as people read them."""

from __future__ import annotations

import math
from http import HTTPStatus

from schemas.adapters import MetricAnswer

SMALLEST_PERCENT = 0.0001
SMALLEST_MILLISECONDS = 0.001
SMALLEST_RATE = 0.001
MOST_DECIMALS = 8


def measured(value: float | None) -> bool:
    """False where there is nothing to say: no value, or no finite one."""
    return value is not None and math.isfinite(value)


def percent(ratio: float, *, apart_from: float | None = None) -> str:
    """0.0023 is "0.23 %". Two decimals below 10 %, one above, two significant digits below 0.1 %.

    With `apart_from` another ratio: as many decimals as it takes not to read like that one.
    """
    value = ratio * 100
    if 0 < value < SMALLEST_PERCENT:
        return f"< {SMALLEST_PERCENT:.4f} %"
    decimals = _percent_decimals(value)
    if apart_from is not None and apart_from != ratio:
        other = apart_from * 100
        while decimals < MOST_DECIMALS and round(value, decimals) == round(other, decimals):
            decimals += 1
    return f"{plain(value, decimals)} %"


def _percent_decimals(value: float) -> int:
    if value >= 10:
        return 1
    return 2 if value >= 0.1 or value <= 0 else significant_decimals(value, 2)


def share(ratio: float) -> str:
    """Of a whole, to full percents; what is there is never "0 %"."""
    return "< 1 %" if 0 < ratio < 0.005 else f"{plain(ratio * 100, 0)} %"


def count(value: float) -> str:
    """45231.4 is "45,231": counters in Prometheus are extrapolated to the window's borders."""
    return f"{value:,.0f}"


def seconds(value: float, *, apart_from: float | None = None) -> str:
    """0.123 is "123 ms", 1.24 is "1.24 s": three significant digits, more to tell it from `apart_from`."""
    if 0 < value * 1000 < SMALLEST_MILLISECONDS:
        return f"< {SMALLEST_MILLISECONDS} ms"
    for digits in range(3, MOST_DECIMALS):
        text = _seconds(value, digits)
        if apart_from is None or apart_from == value or text != _seconds(apart_from, digits):
            return text
    return _seconds(value, MOST_DECIMALS)


def _seconds(value: float, digits: int) -> str:
    rounded = round(value, significant_decimals(value, digits))
    if rounded < 1:
        return f"{plain(value * 1000, significant_decimals(value * 1000, digits))} ms"
    return f"{plain(value, significant_decimals(value, digits))} s"


def rate(value: float) -> str:
    """12.6 is "12.6 requests/s"."""
    if 0 < value < SMALLEST_RATE:
        return f"< {SMALLEST_RATE} requests/s"
    return f"{plain(value, significant_decimals(value, 3))} requests/s"


def significant_decimals(value: float, digits: int) -> int:
    """Decimals that show so many significant digits; never fewer than none, so that counts stay whole."""
    if value == 0:
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def plain(value: float, decimals: int) -> str:
    """Without zeros that end the decimals: 1.50 is "1.5"."""
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def status(code: str) -> str:
    """ "502" is "502 Bad Gateway"; what is no status of HTTP stays as it is."""
    try:
        return f"{code} {HTTPStatus(int(code)).phrase}"
    except ValueError:
        return code


def value_of(answer: MetricAnswer) -> str:
    """The measured value with its unit. Raises ValueError where nothing was measured."""
    value = answer.value
    if value is None or not math.isfinite(value):
        raise ValueError("there is no value to format")
    if answer.unit == "ratio":
        return percent(value, apart_from=answer.slo_target)
    return seconds(value, apart_from=answer.slo_target) if answer.unit == "seconds" else rate(value)


def target_of(answer: MetricAnswer) -> str | None:
    """ "< 0.5 %": the objective in the metric's unit; a request rate has none."""
    if answer.slo_target is None or answer.unit == "requests_per_second":
        return None
    figure = percent(answer.slo_target) if answer.unit == "ratio" else seconds(answer.slo_target)
    return f"< {figure}"
