"""Identifiers have the form that the schemas demand, sort by time, and are not alike."""

from __future__ import annotations

import re
import time

import pytest

from actors.platform.bus.ids import ALPHABET, Clock, new_session_id, new_ulid
from schemas.conversation import SESSION_ID, TURN_ID
from schemas.identity import owner_token


def test_a_ulid_has_its_form_and_its_time() -> None:
    made = new_ulid()
    assert re.fullmatch(TURN_ID, made)
    assert re.fullmatch(SESSION_ID, new_session_id(owner_token("ada")))
    milliseconds = 0
    for letter in made[:10]:
        milliseconds = milliseconds * 32 + ALPHABET.index(letter)
    assert abs(milliseconds / 1000 - time.time()) < 60


def test_they_sort_by_time_and_are_not_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_800_000_000_000_000_000]
    monkeypatch.setattr("actors.platform.bus.ids.time.time_ns", lambda: clock[0])
    monkeypatch.setattr("actors.platform.bus.ids._CLOCK", Clock())
    made: list[str] = []
    for _ in range(1_000):
        clock[0] += 1_000_000
        made.append(new_ulid())
    assert made == sorted(made)
    assert len({new_ulid() for _ in range(10_000)}) == 10_000
