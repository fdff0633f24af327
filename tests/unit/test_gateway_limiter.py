"""Rate windows: exact where small, shared in Redis, going on without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.embedded.valkey import ValkeyServer
from gateway import limiter as module
from gateway.limiter import RateLimiter


class Clock:
    """Stands still in the middle of a window."""

    def __init__(self) -> None:
        self.now = 1_800_000_030.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


async def test_exactly_so_many_and_then_no_more(clock: Clock) -> None:
    limiter = RateLimiter(5)
    allowances = [await limiter.take("a") for _ in range(7)]
    assert [allowance.granted for allowance in allowances] == [True] * 5 + [False] * 2
    assert [allowance.remaining for allowance in allowances] == [4, 3, 2, 1, 0, 0, 0]
    assert {allowance.reset for allowance in allowances} == {30}


async def test_users_do_not_share_and_windows_end(clock: Clock) -> None:
    limiter = RateLimiter(1)
    assert (await limiter.take("a")).granted
    assert (await limiter.take("b")).granted
    assert not (await limiter.take("a")).granted
    clock.now += 30
    assert (await limiter.take("a")).granted


@pytest.mark.parametrize("limit", [599, 600, 6_000, 6_001])
async def test_batches_never_grant_more(clock: Clock, limit: int) -> None:
    limiter = RateLimiter(limit)
    granted = sum([(await limiter.take("a")).granted for _ in range(limit + 50)])
    assert granted == limit


async def test_redis_that_is_not_there_is_left_alone(clock: Clock, tmp_path: Path) -> None:
    limiter = RateLimiter(3, f"unix://{tmp_path}/no.sock")
    assert [(await limiter.take("a")).granted for _ in range(4)] == [True, True, True, False]
    await limiter.close()


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    server = ValkeyServer(tmp_path)
    await server.start()
    yield server
    await server.stop()


@pytest.mark.integration
async def test_losing_redis_costs_the_window_and_nothing_else(clock: Clock, valkey: ValkeyServer) -> None:
    limiter = RateLimiter(3, valkey.url)
    assert [(await limiter.take("a")).granted for _ in range(4)] == [True, True, True, False]
    await valkey.stop()
    assert (await limiter.take("b")).granted
    await limiter.close()


@pytest.mark.integration
async def test_gateways_share_a_window_in_redis(clock: Clock, valkey: ValkeyServer) -> None:
    one, two = RateLimiter(4, valkey.url), RateLimiter(4, valkey.url)
    granted = [(await limiter.take("a")).granted for limiter in (one, two, one, two, one, two)]
    assert granted == [True] * 4 + [False] * 2
    await one.close()
    await two.close()
