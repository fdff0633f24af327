"""Numbers as people read them: parsed back they are the number, and their order is kept."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.conversation.answers import figures

RATIOS = st.floats(min_value=2e-6, max_value=1.0)
SECONDS = st.floats(min_value=2e-6, max_value=100_000.0)
RATES = st.floats(min_value=0.002, max_value=1e7)


def number(text: str) -> float:
    """The figure in base units, read from the text."""
    found = re.match(r"([0-9,.]+) ?(%|ms|s|requests/s)?$", text)
    assert found is not None, text
    scale = {"%": 0.01, "ms": 0.001}.get(found[2] or "", 1.0)
    return float(found[1].replace(",", "")) * scale


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0023, "0.23 %"),
        (0.005, "0.5 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.1234, "12.3 %"),
        (0.01234, "1.23 %"),
        (0.000123, "0.012 %"),
        (1e-09, "< 0.0001 %"),
        (0.09999, "10 %"),
    ],
)
def test_percent(ratio: float, text: str) -> None:
    assert figures.percent(ratio) == text


def test_a_value_just_below_the_objective_does_not_read_like_it() -> None:
    assert figures.percent(0.00499999, apart_from=0.005) == "0.499999 %"
    assert figures.percent(0.005, apart_from=0.005) == "0.5 %"
    assert figures.seconds(0.49999, apart_from=0.5) == "499.99 ms"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.123, "123 ms"),
        (1.24, "1.24 s"),
        (0.9996, "1 s"),
        (0.00045, "0.45 ms"),
        (125.4, "125 s"),
        (0.0, "0 ms"),
        (1e-09, "< 0.001 ms"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert figures.seconds(value) == text


def test_counts_rates_and_shares() -> None:
    assert figures.count(45231.4) == "45,231"
    assert figures.rate(12.64) == "12.6 requests/s"
    assert figures.rate(45231.4) == "45,231 requests/s"
    assert figures.share(0.644) == "64 %"
    assert figures.share(0.001) == "< 1 %"


def test_statuses_have_their_names() -> None:
    assert figures.status("502") == "502 Bad Gateway"
    assert figures.status("504") == "504 Gateway Timeout"
    assert figures.status("5xx") == "5xx"
    assert figures.status("599") == "599"


@given(RATIOS)
def test_a_percentage_parses_back(ratio: float) -> None:
    assert number(figures.percent(ratio)) == pytest.approx(ratio, rel=0.051, abs=5.1e-7)


@given(SECONDS)
def test_seconds_parse_back(value: float) -> None:
    assert number(figures.seconds(value)) == pytest.approx(value, rel=0.0051)


@given(RATES)
def test_rates_parse_back(value: float) -> None:
    assert number(figures.rate(value)) == pytest.approx(value, rel=0.0051)


@given(RATIOS, RATIOS)
def test_percentages_keep_the_order(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert number(figures.percent(low)) <= number(figures.percent(high)) * (1 + 1e-12)


@given(SECONDS, SECONDS)
def test_seconds_keep_the_order(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert number(figures.seconds(low)) <= number(figures.seconds(high)) * (1 + 1e-12)
