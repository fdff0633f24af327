"""The written troubles can be seen where they belong, and nowhere else is anything wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from actors.embedded.shop import SERVICES, truth
from actors.embedded.shop.gauges import Gauges, gauges
from actors.embedded.shop.generator import chunk_of
from actors.embedded.shop.scenario import DAY, SECOND, load
from actors.embedded.shop.shop import HISTORY, Shop

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
NIGHT = int(datetime(2026, 3, 10, 23, tzinfo=UTC).timestamp()) * SECOND
DAY_START = NIGHT // DAY * DAY
MOST_ERRORS = 0.005


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.open(Path(tmp_path_factory.mktemp("shop")), NIGHT)


def at(hour: int, minute: int = 0) -> int:
    return DAY_START + hour * HOUR + minute * MINUTE


def errors(shop: Shop, service: str, start: int, end: int) -> float:
    failed = sum(truth.count(shop, service, start, end, status) for status in (500, 502, 503, 504))
    return failed / truth.count(shop, service, start, end)


def busy_share(shop: Shop, service: str, start: int, end: int) -> float:
    """Processor time per second of wall clock, in cores."""
    return float(truth.answered(shop, service, start, end).cpu.sum()) / (end - start)


def levels(shop: Shop, service: str, time: int) -> Gauges:
    times = np.array([time], np.int64)
    running = shop.generator.in_flight(chunk_of(time), times)[service]
    spec = shop.scenario.services[service]
    return gauges(service, spec, shop.line(service, time), running, times, shop.origin)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("hour", [8, 13])
def test_outside_the_troubles_services_are_healthy(shop: Shop, service: str, hour: int) -> None:
    assert 0 < errors(shop, service, at(hour), at(hour, 30)) < MOST_ERRORS


def test_payment_on_a_calm_hour(shop: Shop) -> None:
    start, end = at(12), at(13)
    requests = truth.count(shop, "payment", start, end)
    bad_gateway = truth.count(shop, "payment", start, end, 502)
    timeouts = truth.count(shop, "payment", start, end, 504)
    assert 40_000 < requests < 55_000
    assert (bad_gateway + timeouts) / requests == pytest.approx(0.0023, abs=0.0008)
    assert bad_gateway / (bad_gateway + timeouts) == pytest.approx(0.64, abs=0.15)


def test_the_bad_release_fails_up_to_the_gateway_and_ends_with_the_rollback(shop: Shop) -> None:
    calm, bad = errors(shop, "payment", at(2, 20), at(2, 50)), errors(shop, "payment", at(2, 51), at(3, 20))
    assert bad > 0.05 > 10 * calm
    assert truth.count(shop, "payment", at(2, 51), at(3, 20), 502) > 0.8 * bad * truth.count(
        shop, "payment", at(2, 51), at(3, 20)
    )
    assert errors(shop, "checkout", at(2, 51), at(3, 20)) > 0.05
    assert errors(shop, "gateway", at(2, 51), at(3, 20)) > 0.02
    assert errors(shop, "orders", at(2, 51), at(3, 20)) < MOST_ERRORS
    assert errors(shop, "payment", at(3, 21), at(3, 51)) < MOST_ERRORS


def test_the_slow_database_shows_in_its_callers_with_a_full_pool_and_an_idle_processor(shop: Shop) -> None:
    before, during = (at(14, 10), at(14, 40)), (at(15, 5), at(15, 35))
    for service in ("inventory", "checkout", "orders"):
        slow, fast = (truth.quantile(shop, service, *window, 0.95) for window in (during, before))
        assert slow > 3 * fast, service
    for service in ("inventory", "checkout"):
        ratio = busy_share(shop, service, *during) / busy_share(shop, service, *before)
        assert ratio == pytest.approx(1.0, abs=0.1), service
    full = [levels(shop, "inventory", time) for time in range(during[0], during[1], MINUTE)]
    assert np.mean([level.pool_in_use[0] / level.pool_max[0] for level in full]) > 0.9
    assert np.mean([level.queued[0] for level in full]) > 1
    calm = [levels(shop, "inventory", time) for time in range(before[0], before[1], MINUTE)]
    assert np.mean([level.pool_in_use[0] / level.pool_max[0] for level in calm]) < 0.4
    assert max(level.queued[0] for level in calm) == 0


def test_the_noisy_neighbour_raises_latency_and_processor_time_of_orders_only(shop: Shop) -> None:
    before, during = (at(19, 20), at(19, 50)), (at(20, 5), at(20, 40))
    slow, fast = (truth.quantile(shop, "orders", *window, 0.95) for window in (during, before))
    assert slow > 1.8 * fast
    assert busy_share(shop, "orders", *during) > 2 * busy_share(shop, "orders", *before)
    ratio = busy_share(shop, "inventory", *during) / busy_share(shop, "inventory", *before)
    assert ratio == pytest.approx(1.0, abs=0.1)


def test_the_leak_is_a_sawtooth_that_ends_in_a_kill(shop: Shop) -> None:
    kill = shop.line("recommendation", NIGHT).between(at(2), at(20))[0]
    spec = shop.scenario.services["recommendation"]
    full = levels(shop, "recommendation", kill.at - SECOND)
    fresh = levels(shop, "recommendation", kill.at + SECOND)
    assert full.memory_bytes[0] > 0.97 * full.memory_limit_bytes[0]
    assert fresh.memory_bytes[0] < 1.1 * spec.memory_mib * 2**20
    assert fresh.restarts[0] == full.restarts[0] + 1
    half = levels(shop, "recommendation", (kill.at + shop.life("recommendation", kill.at - 1).started_at) // 2)
    assert fresh.memory_bytes[0] < half.memory_bytes[0] < full.memory_bytes[0]
    assert truth.count(shop, "recommendation", kill.at, kill.at + MINUTE, 503) > 0


def test_every_trouble_lies_within_any_26_hours() -> None:
    scenario = load()
    lengths = [each.end - each.start for each in scenario.conditions]
    lengths += [each.rollback - each.deploy for each in scenario.releases]
    assert len(lengths) == 3
    assert all(0 < length <= HISTORY - DAY for length in lengths)
    assert all(2 * (leak.every_s + leak.jitter_s) * SECOND < HISTORY for leak in scenario.leaks)
