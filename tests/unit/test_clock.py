"""A wall clock that is set, back or forth, moves no deadline and no order; what is bound to it follows it."""

from __future__ import annotations

import asyncio
import time

import pytest

from actors.platform.bus import codec, deadline, ids
from actors.platform.bus.transport import Packet
from gateway import auth
from gateway.auth import Caller, lifetime
from gateway.limiter import RateLimiter
from schemas.envelope import DEADLINE
from schemas.errors import DeadlineExceeded, InvalidInput
from schemas.identity import LOCAL_ADMINISTRATOR
from schemas.system import Ping

HOUR = 3_600.0


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> object:
    real = time.time
    monkeypatch.setattr(ids, "_CLOCK", ids.Clock())

    def ahead(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + seconds)
        monkeypatch.setattr(time, "time_ns", lambda: int((real() + seconds) * 1e9))

    return ahead


def received(text: str) -> float | None:
    return codec.decode(Packet("s", b"{}", {DEADLINE: text}), Ping).deadline


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_deadline_arrives_as_it_was_sent_whatever_the_clock_says(set_clock, jump: float) -> None:
    at = time.monotonic() + 3
    sent = deadline.written(at)
    set_clock(jump)
    assert received(sent) == pytest.approx(at, abs=1e-5)


def test_of_another_machine_the_seconds_left_are_taken() -> None:
    at = received("2.5 17.0 another-boot/4026531834")
    assert at == pytest.approx(time.monotonic() + 2.5, abs=0.5)
    assert received("2.5") == pytest.approx(time.monotonic() + 2.5, abs=0.5)


def test_a_request_that_lay_about_is_known_to_be_late() -> None:
    late = codec.decode(Packet("s", b"{}", {DEADLINE: deadline.written(time.monotonic() - 1)}), Ping)
    with pytest.raises(DeadlineExceeded):
        late.remaining(10.0)


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "-inf 1 2", "1e999"])
def test_a_deadline_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=DEADLINE):
        received(text)


def test_ids_go_on_sorting_while_the_clock_is_behind(set_clock) -> None:
    before = ids.new_ulid()
    set_clock(-HOUR)
    later = ids.new_ulid()
    assert later[:10] == before[:10]
    set_clock(0.0)
    assert ids.new_ulid()[:10] >= later[:10]


async def test_what_is_held_open_ends_with_its_token_also_by_a_clock_that_was_set(
    set_clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "LOOK_SECONDS", 0.02)
    caller = Caller(LOCAL_ADMINISTRATOR, "owner", "Bearer x", expires=time.time() + HOUR)
    begun = asyncio.Event()

    async def hold() -> None:
        async with lifetime(caller):
            begun.set()
            await asyncio.Event().wait()

    holding = asyncio.create_task(hold())
    await begun.wait()
    set_clock(HOUR + 1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(holding), 5)
    assert holding.done(), "it ended by itself"


async def test_without_an_end_nothing_is_cut() -> None:
    async with lifetime(Caller(LOCAL_ADMINISTRATOR, "owner")):
        await asyncio.sleep(0)


@pytest.mark.parametrize("jump", [-HOUR, -30.0, 30.0, HOUR])
async def test_a_rate_window_is_the_one_that_the_clock_names(set_clock, jump: float) -> None:
    limiter = RateLimiter(2)
    set_clock(0.0)
    assert [(await limiter.take("ada")).granted for _ in range(2)] == [True, True]
    set_clock(jump)
    allowance = await limiter.take("ada")
    assert 1 <= allowance.reset <= 60
    assert allowance.remaining <= 2
    set_clock(jump + 120)  # two minutes on it is another window, whichever it was
    assert (await limiter.take("ada")).granted
