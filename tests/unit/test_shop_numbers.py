"""The shop's counters: they are the requests, counted; they never go back; they outlive restarts and holes."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.embedded.shop import SERVICES, scrape_targets, truth
from actors.embedded.shop.actions import Kind, NothingToRollBack, Request
from actors.embedded.shop.exposition import history_text
from actors.embedded.shop.generator import chunk_of
from actors.embedded.shop.ledger import LedgerUnreadable
from actors.embedded.shop.requests import CHUNK
from actors.embedded.shop.scenario import DAY, SECOND
from actors.embedded.shop.shop import HISTORY, Shop

NOON = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()) * SECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
SERIES_BY_SCRAPE = 5
"""What Prometheus itself adds per target: up and four scrape_*."""

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series(text: str) -> Series:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def counters(text: str) -> Series:
    ends = ("_total", "_bucket", "_sum", "_count")
    return {key: value for key, value in series(text).items() if key[0].endswith(ends)}


def total(values: Series, name: str, **labels: str) -> float:
    return sum(value for key, value in values.items() if key[0] == name and labels.items() <= dict(key[1]).items())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.open(tmp_path, NOON)


def test_every_counter_is_zero_at_the_origin_and_never_goes_back(shop: Shop) -> None:
    for service in SERVICES:
        before = counters(shop.metrics(service, shop.origin))
        assert total(before, "http_requests_total") == 0
    last = {service: counters(shop.metrics(service, shop.origin)) for service in SERVICES}
    for time in range(shop.origin, shop.origin + 25 * MINUTE, 37 * SECOND + 1234):
        for service in SERVICES:
            now = counters(shop.metrics(service, time))
            assert now.keys() == last[service].keys()
            assert all(now[key] >= last[service][key] for key in now)
            last[service] = now
    assert all(total(values, "http_requests_total") > 1000 for values in last.values())


@pytest.mark.parametrize("service", SERVICES)
def test_the_counters_are_the_requests(shop: Shop, service: str) -> None:
    end = shop.origin + 23 * MINUTE + 456_789
    values = series(shop.metrics(service, end))
    assert total(values, "http_requests_total") == truth.count(shop, service, shop.origin, end) > 0
    for status in (200, 404, 500, 502, 503, 504):
        expected = truth.count(shop, service, shop.origin, end, status)
        assert total(values, "http_requests_total", status=str(status)) == expected
    durations = truth.answered(shop, service, shop.origin, end)
    seconds = (durations.end - durations.start) / 1e6
    assert total(values, "http_request_duration_seconds_sum") == pytest.approx(seconds.sum(), rel=1e-9)
    for bound in (0.01, 0.1, 1.0, 10.0):
        expected = int((seconds <= bound).sum())
        assert total(values, "http_request_duration_seconds_bucket", le=str(bound)) == expected


def test_calls_made_are_calls_answered(shop: Shop) -> None:
    end = shop.origin + 15 * MINUTE
    made = sum(
        total(series(shop.metrics(service, end)), "http_client_requests_total", target="inventory")
        for service in SERVICES
    )
    assert made == total(series(shop.metrics("inventory", end)), "http_requests_total")


def test_three_hundred_series_at_most(shop: Shop) -> None:
    scraped = [series(shop.metrics(service, shop.origin + MINUTE)) for service in SERVICES]
    assert sum(map(len, scraped)) + SERIES_BY_SCRAPE * len(SERVICES) <= 300
    reserved = {"job", "instance", "service", "environment"}
    assert not any(reserved & dict(labels).keys() for values in scraped for _, labels in values)


def test_targets_do_not_change_with_the_port() -> None:
    one, other = scrape_targets(9000), scrape_targets(9001)
    assert [target.labels for target in one] == [target.labels for target in other]
    assert [target.address for target in one] == ["127.0.0.1:9000"] * 6
    assert {target.job for target in one} == set(SERVICES)
    assert one[2].metrics_path == "/metrics/payment"


def test_history_says_what_scrapes_would_have_said(shop: Shop) -> None:
    chunk = chunk_of(shop.origin + 14 * MINUTE)
    times = np.array([chunk * CHUNK + offset * SECOND for offset in (15, 77, 600)], np.int64)
    numbers = shop.numbers(chunk, times)
    filled = {
        service: "".join(history_text(shop.families(service, numbers), {}, [str(time) for time in times]))
        for service in SERVICES
    }
    for time in times.tolist():
        for service in SERVICES:
            lines = [line.rsplit(" ", 1) for line in filled[service].splitlines()]
            scraped = [line for line in shop.metrics(service, time).splitlines() if line[0] != "#"]
            assert [line for line, stamp in lines if stamp == str(time)] == scraped


def test_opened_again_it_says_the_same(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, NOON)
    time = shop.origin + 50 * MINUTE
    shop.act(Request(Kind.DEPLOY, "payment", version="2.5.0"), shop.origin + 20 * MINUTE)
    said = {service: shop.metrics(service, time) for service in SERVICES}
    again = Shop.open(tmp_path, NOON + 5 * MINUTE)
    assert {service: again.metrics(service, time) for service in SERVICES} == said


def test_what_was_shown_is_never_more_than_a_chunk_ahead_of_the_disk(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, NOON)
    time = shop.origin + 47 * MINUTE
    shop.metrics("payment", time)
    marks = json.loads((tmp_path / "ledger.json").read_text())["marks"]
    assert max(chunk for chunk, _ in marks) == chunk_of(time)


def test_a_hole_longer_than_the_history_is_skipped_without_a_reset(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, NOON)
    # The process dies late in a chunk: the last mark is older than what was shown.
    shown = {
        service: counters(shop.metrics(service, shop.origin + 29 * MINUTE + 59 * SECOND)) for service in SERVICES
    }
    later = NOON + 30 * DAY
    again = Shop.open(tmp_path, later)
    assert again.floor == (later - HISTORY) // CHUNK * CHUNK
    for service in SERVICES:
        values = counters(again.metrics(service, again.floor))
        assert all(values[key] >= shown[service][key] for key in shown[service])
    grown = counters(again.metrics("payment", again.floor + MINUTE))
    expected = truth.count(again, "payment", again.floor, again.floor + MINUTE)
    before = counters(again.metrics("payment", again.floor))
    assert total(grown, "http_requests_total") >= total(before, "http_requests_total")
    assert expected > 300


def test_opening_after_the_hole_once_more_changes_nothing(tmp_path: Path) -> None:
    Shop.open(tmp_path, NOON)
    later = NOON + 30 * DAY
    first = Shop.open(tmp_path, later)
    second = Shop.open(tmp_path, later)
    time = first.floor + MINUTE
    assert first.metrics("orders", time) == second.metrics("orders", time)


def test_an_action_leaves_everything_before_it(tmp_path: Path) -> None:
    plain, acted = Shop.open(tmp_path / "a", NOON), Shop.open(tmp_path / "b", NOON)
    time = plain.origin + 17 * MINUTE + 123_457
    acted.metrics("payment", time)  # drawn before the action
    acted.act(Request(Kind.DEPLOY, "payment", version="2.5.0"), time)
    for service in SERVICES:
        start = plain.origin
        for end in (time - 5 * MINUTE, time):
            assert truth.count(plain, service, start, end) == truth.count(acted, service, start, end)
    later = time + 5 * MINUTE
    failed = [truth.count(each, "payment", time, later, 502) for each in (plain, acted)]
    assert failed[1] > 50 + 10 * failed[0], "and the bad version fails from then on"
    calm = truth.count(plain, "payment", plain.origin, time, 502)
    assert truth.count(acted, "payment", plain.origin, time, 502) == calm


def test_too_few_replicas_are_slow_and_shed_load(shop: Shop) -> None:
    time = shop.origin + 10 * MINUTE
    before = truth.quantile(shop, "checkout", time - 5 * MINUTE, time, 0.5)
    action = shop.act(Request(Kind.SCALE, "checkout", replicas=1), time)
    after = truth.quantile(shop, "checkout", time + MINUTE, time + 6 * MINUTE, 0.5)
    shed = truth.count(shop, "checkout", time + MINUTE, time + 6 * MINUTE, 503)
    assert after > 1.5 * before
    assert shed > 100
    shop.act(Request(Kind.SCALE, "checkout", replicas=4), action.at + 6 * MINUTE)
    assert truth.count(shop, "checkout", time + 7 * MINUTE, time + 9 * MINUTE, 503) == 0


def test_a_restart_frees_memory_and_is_counted(shop: Shop) -> None:
    time = shop.origin + 30 * MINUTE
    before = series(shop.metrics("recommendation", time))
    shop.act(Request(Kind.RESTART, "recommendation"), time)
    after = series(shop.metrics("recommendation", time + SECOND))
    assert total(after, "service_restarts_total") == total(before, "service_restarts_total") + 1
    fresh = shop.scenario.services["recommendation"].memory_mib * 2**20
    assert total(after, "process_resident_memory_bytes") == pytest.approx(fresh, rel=0.05)
    assert total(before, "process_resident_memory_bytes") > 1.2 * fresh


def test_a_deploy_shows_in_version_and_time(shop: Shop) -> None:
    time = shop.origin + 5 * MINUTE
    shop.act(Request(Kind.DEPLOY, "orders", version="4.2.2"), time)
    values = series(shop.metrics("orders", time + SECOND))
    assert total(values, "service_build_info", version="4.2.2") == 1
    assert total(values, "service_build_info") == 1, "one version at a time"
    assert total(values, "service_deploy_timestamp_seconds") == time / SECOND


def test_an_action_with_a_key_is_taken_once(shop: Shop) -> None:
    request = Request(Kind.RESTART, "orders", key="run-1/step-3")
    first = shop.act(request, shop.origin + MINUTE)
    assert shop.act(request, shop.origin + 2 * MINUTE) == first
    assert shop.life("orders", shop.origin + 3 * MINUTE).restarts == 1


def test_no_rollback_without_a_version_before(shop: Shop) -> None:
    shop.act(Request(Kind.ROLLBACK, "orders"), shop.origin + MINUTE)
    with pytest.raises(NothingToRollBack):
        shop.act(Request(Kind.ROLLBACK, "orders"), shop.origin + 2 * MINUTE)
    assert len(shop.files.actions()) == 1


def test_an_action_cut_short_by_a_crash_is_dropped_and_overwritten(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, NOON)
    shop.act(Request(Kind.RESTART, "orders"), shop.origin + MINUTE)
    with (tmp_path / "actions.jsonl").open("ab") as file:
        file.write(b'{"at": 17, "action": "rest')
    again = Shop.open(tmp_path, NOON)
    again.act(Request(Kind.RESTART, "payment"), shop.origin + 2 * MINUTE)
    kept = Shop.open(tmp_path, NOON).files.actions()
    assert [action.request.service for action in kept] == ["orders", "payment"]


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    Shop.open(tmp_path, NOON)
    (tmp_path / "ledger.json").write_text("{")
    with pytest.raises(LedgerUnreadable, match=r"ledger\.json"):
        Shop.open(tmp_path, NOON)


def test_a_crash_while_the_ledger_is_written_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop.open(tmp_path, NOON)
    shop.metrics("payment", shop.origin + 5 * MINUTE)
    before = (tmp_path / "ledger.json").read_bytes()

    def crash(descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="no space left"):
        shop.metrics("payment", shop.origin + 25 * MINUTE)
    assert (tmp_path / "ledger.json").read_bytes() == before


def test_what_another_process_has_counted_is_not_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, filling = Shop.open(tmp_path, NOON), Shop.open(tmp_path, NOON)
    time = running.origin + 65 * MINUTE
    expected = filling.metrics("payment", time)
    drawn: list[int] = []
    arrivals = running.generator.arrivals
    monkeypatch.setattr(running.generator, "arrivals", lambda chunk: drawn.append(chunk) or arrivals(chunk))
    assert running.metrics("payment", time) == expected
    assert set(drawn) == {chunk_of(time) - 1, chunk_of(time)}
