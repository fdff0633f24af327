"""Readings of the past are shared and kept; those of now, and failures, are not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from actors.adapters.observatory import settled
from actors.adapters.observatory.readings import Reading
from actors.adapters.observatory.settled import SettledReadings
from schemas.errors import BackendUnavailable

NOW = 1_800_000_000.0
THEN = datetime.fromtimestamp(NOW - 100, UTC)


class Backend:
    def __init__(self) -> None:
        self.asked = 0
        self.failing = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self) -> Reading:
        self.asked += 1
        await self.gate.wait()
        if self.failing:
            raise BackendUnavailable("away")
        return Reading(kind="vector")


@pytest.fixture
def backend() -> Backend:
    return Backend()


async def test_an_instant_of_the_past_is_read_once(backend: Backend) -> None:
    readings = SettledReadings(lambda: NOW)
    backend.gate.clear()
    asking = [asyncio.create_task(readings.read("up", THEN, backend.ask)) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()  # one that gives up takes nothing from the others
    backend.gate.set()
    await asyncio.gather(*asking[1:])
    await readings.read("up", THEN, backend.ask)
    assert backend.asked == 1
    await readings.read("down", THEN, backend.ask)
    assert backend.asked == 2


async def test_an_instant_near_now_is_always_read(backend: Backend) -> None:
    readings = SettledReadings(lambda: NOW)
    for _ in range(2):
        await readings.read("up", datetime.fromtimestamp(NOW - 1, UTC), backend.ask)
    assert backend.asked == 2


async def test_a_failure_is_not_kept(backend: Backend) -> None:
    readings = SettledReadings(lambda: NOW)
    backend.failing = True
    with pytest.raises(BackendUnavailable):
        await readings.read("up", THEN, backend.ask)
    backend.failing = False
    assert await readings.read("up", THEN, backend.ask) == Reading(kind="vector")


async def test_what_is_kept_grows_old_and_is_bounded(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [NOW]
    readings = SettledReadings(lambda: clock[0])
    await readings.read("up", THEN, backend.ask)
    clock[0] += settled.KEPT_SECONDS + 1
    await readings.read("up", THEN, backend.ask)
    assert backend.asked == 2
    monkeypatch.setattr(settled, "MOST", 3)
    for number in range(10):
        await readings.read(f"q{number}", THEN, backend.ask)
    assert len(readings._kept) == 3
