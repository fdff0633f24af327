"""Which times a back-fill fills."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.embedded.shop.backfill import NEAR, STEP, missing_times
from actors.embedded.shop.scenario import SECOND

START = 1_773_050_400 * SECOND
LIVE = 15_000
"""Milliseconds between live samples."""


def stamps(*seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([START // 1000 + round(second * 1000) for second in seconds], np.int64)


def filled(have: np.ndarray[tuple[int], np.dtype[np.int64]], seconds: float) -> list[float]:
    times = missing_times(have, START, START + round(seconds * SECOND))
    return [(time - START) / SECOND for time in times.tolist()]


def test_an_empty_database_gets_every_step_and_the_present() -> None:
    assert filled(stamps(), 70) == [15, 30, 45, 60, 70]


def test_what_has_samples_is_left_alone() -> None:
    assert filled(stamps(*(15 * step + 3.217 for step in range(5))), 62) == []


def test_a_hole_between_samples_is_filled() -> None:
    assert filled(stamps(3, 18, 93, 108), 110) == [30, 45, 60, 75]


def test_a_missed_scrape_is_made_up() -> None:
    assert filled(stamps(2, 17, 47), 50) == [30]


def test_nothing_is_filled_just_behind_a_sample() -> None:
    assert filled(stamps(44.999), 80) == [15, 30, 60, 75, 80]


@given(st.lists(st.integers(0, 3_600_000), max_size=60), st.integers(1, 3_600_000))
def test_afterwards_no_two_samples_are_two_steps_apart(offsets: list[int], end_ms: int) -> None:
    have = np.unique(np.array([START // 1000 + offset for offset in offsets if offset <= end_ms], np.int64))
    end = START + end_ms * 1000
    added = missing_times(have, START, end)
    every = np.union1d(have * 1000, added)
    edges = np.concatenate([[START], every, [end]])
    assert np.diff(edges).max() <= STEP + 2 * NEAR
    known = have * 1000
    assert all(abs(time - each) >= NEAR for time in added.tolist() for each in known.tolist())
    assert len(missing_times(np.unique(every // 1000), START, end)) == 0, "a second time nothing is missing"
