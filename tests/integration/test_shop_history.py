"""The shop's history in a real Prometheus: complete, without a reset, and in agreement with the requests."""

from __future__ import annotations

import asyncio
import itertools
import math
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from actors.embedded import prometheus
from actors.embedded.demo import ShopServer
from actors.embedded.ports import LOOPBACK, free
from actors.embedded.prometheus import PACKAGE, PrometheusServer, configuration, responds
from actors.embedded.shop import SERVICES, backfill, scrape_targets, shop, truth
from actors.embedded.shop.generator import micros
from actors.embedded.shop.scenario import SECOND
from actors.embedded.shop.shop import Shop
from tests.support.servers import SHARED_PACKAGES
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

HOLE_SECONDS = 6
COUNTED = "http_request_duration_seconds_count"
Labels = Mapping[str, str]
Series = list[tuple[Labels, list[tuple[float, float]]]]


class Queries:
    """What a Prometheus answers."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def get(self, path: str, **parameters: str) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self._url}/api/v1/{path}", params=parameters) as answer,
        ):
            body = await answer.json()
        assert body["status"] == "success", body
        return body["data"]

    async def number(self, query: str) -> float:
        result = (await self.get("query", query=query))["result"]
        assert len(result) == 1
        return float(result[0]["value"][1])

    async def samples(self, selector: str) -> Series:
        result = (await self.get("query", query=selector))["result"]
        return [(each["metric"], [(float(at), float(value)) for at, value in each["values"]]) for each in result]

    async def counters(self) -> list[str]:
        names: list[str] = await self.get("label/__name__/values")
        return [name for name in names if name.endswith(("_total", "_bucket", "_count", "_sum"))]


async def no_resets(queries: Queries) -> None:
    names = await queries.counters()
    assert len(names) >= 13
    for name in names:
        assert (await queries.get("query", query=f"resets({name}[27h]) > 0"))["result"] == []


async def agrees_with_the_requests(queries: Queries, data: Path, window: str) -> None:
    """First and last sample of each service differ by the requests between them.

    A live value is worked out a moment after the time it is stored under, which may add a few.
    """
    reading = Shop.open(data / "shop", micros(time.time()))
    for service in SERVICES:
        ((_, samples),) = await queries.samples(f'{COUNTED}{{service="{service}"}}[{window}]')
        (start, first), (end, last) = samples[0], samples[-1]
        expected = truth.count(reading, service, round(start * SECOND), round(end * SECOND))
        assert expected > 0
        assert last - first == pytest.approx(expected, abs=10)


async def widest_gap(queries: Queries, window: str, start: float = 0, end: float = math.inf) -> float:
    """The most seconds between two samples of a service, counting what lies between `start` and `end`."""
    series = await queries.samples(f"{backfill.WITNESS}[{window}]")
    assert {labels["service"] for labels, _ in series} == set(SERVICES)
    assert len(series) == len(SERVICES), "history and scrapes have the same labels"
    return max(
        min(after, end) - max(before, start)
        for _, samples in series
        for (before, _), (after, _) in itertools.pairwise(samples)
    )


async def test_the_first_start_fills_26_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "SCRAPE_INTERVAL", "2s")
    monkeypatch.setattr(prometheus, "SCRAPE_TIMEOUT", "2s")
    said: list[str] = []
    demo = ShopServer(tmp_path, port=0, say=said.append)
    await demo.start()
    server = PrometheusServer(
        tmp_path, SHARED_PACKAGES, demo.targets(), port=0, before_start=demo.fill_history, say=said.append
    )
    try:
        await server.start()
        queries, started = Queries(server.url), time.time()
        await eventually(lambda: live(queries, started))
        assert any("filled in 26.0 h" in line for line in said)
        assert await queries.number('count({__name__=~".+"})') <= 300
        assert await queries.number("min(min_over_time(up[26h]))") == 1
        assert await queries.number(f'count_over_time({COUNTED}{{service="payment"}}[26h])') > 26 * 240 - 3
        assert await widest_gap(queries, "27h") < 2 * backfill.STEP / SECOND
        await no_resets(queries)
        await agrees_with_the_requests(queries, tmp_path, "27h")
        rate = 'sum(increase(http_requests_total{service="payment",status=~"5.."}[26h]))'
        total = 'sum(increase(http_requests_total{service="payment"}[26h]))'
        assert 0.002 < await queries.number(f"{rate} / {total}") < 0.006
    finally:
        await server.stop()
        await demo.stop()


async def live(queries: Queries, since: float) -> bool:
    """Whether every service has been scraped twice: only scrapes bring this series."""
    series = await queries.samples("scrape_samples_scraped[5m]")
    return len(series) == len(SERVICES) and all(
        sum(at >= since for at, _ in samples) >= 2 for _, samples in series
    )


class Whole:
    """A shop and a Prometheus that nobody supervises, to be killed and started again."""

    def __init__(self, data: Path, binaries: Mapping[str, Path]) -> None:
        self._data = data
        self._binaries = binaries
        self._ports = (free(0), free(0))
        self._processes: list[asyncio.subprocess.Process] = []
        self.said: list[str] = []
        self.queries = Queries(f"http://{LOOPBACK}:{self._ports[1]}")

    async def start_and_scrape(self) -> None:
        began = time.time()
        await self._start()
        await eventually(lambda: live(self.queries, began))

    async def _start(self) -> None:
        Shop.open(self._data / "shop", micros(time.time()))  # or the first process would make its history longer
        await self._run(
            sys.executable, "-m", "actors.embedded.shop", "--data", self._data, "--port", self._ports[0]
        )
        await eventually(lambda: responds(f"http://{LOOPBACK}:{self._ports[0]}/health"))
        database, written = self._data / "tsdb", self._data / "prometheus.yml"
        await backfill.backfill(self._data, database, self._binaries["promtool"], time.time(), self.said.append)
        written.write_text(configuration(scrape_targets(self._ports[0])))
        await self._run(
            self._binaries["prometheus"],
            f"--config.file={written}",
            f"--storage.tsdb.path={database}",
            f"--web.listen-address={LOOPBACK}:{self._ports[1]}",
            "--log.level=error",
        )
        await eventually(lambda: responds(f"http://{LOOPBACK}:{self._ports[1]}/-/ready"))

    async def _run(self, *argv: object) -> None:
        self._processes.append(await asyncio.create_subprocess_exec(*map(str, argv)))

    async def end(self, number: signal.Signals) -> None:
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.send_signal(number)
            await asyncio.wait_for(process.wait(), 30)
        self._processes.clear()


@pytest.fixture
async def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Whole]:
    """Half an hour instead of 26, steps of a second instead of 15: the same code, in less time."""
    for module in (shop, backfill):
        monkeypatch.setattr(module, "HISTORY", 1800 * SECOND)
    monkeypatch.setattr(backfill, "STEP", SECOND)
    monkeypatch.setattr(backfill, "NEAR", SECOND * 2 // 3)
    monkeypatch.setattr(prometheus, "SCRAPE_INTERVAL", "1s")
    monkeypatch.setattr(prometheus, "SCRAPE_TIMEOUT", "1s")
    both = Whole(tmp_path, await PACKAGE.obtain(SHARED_PACKAGES, print))
    yield both
    await both.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_later_start_fills_the_hole_and_keeps_the_live_samples(
    whole: Whole, tmp_path: Path, number: signal.Signals
) -> None:
    scrapes: set[tuple[str, float]] = set()
    holes: list[tuple[float, float]] = []
    for _ in range(2 if number is signal.SIGTERM else 3):
        await whole.start_and_scrape()
        seen = await whole.queries.samples("scrape_samples_scraped[1h]")
        now = {(labels["job"], at) for labels, samples in seen for at, _ in samples}
        assert scrapes <= now, "nothing that was scraped before is lost"
        assert len(now) >= len(scrapes) + 2 * len(SERVICES)
        scrapes = now
        await no_resets(whole.queries)
        await agrees_with_the_requests(whole.queries, tmp_path, "1h")
        for hole in holes:
            assert await widest_gap(whole.queries, "1h", *hole) < 2.5
        await whole.end(number)
        ended = time.time()
        await passed(HOLE_SECONDS)
        holes.append((ended, time.time()))


async def passed(seconds: float) -> None:
    """The hole: time in which nothing runs."""
    over = time.time() + seconds

    async def is_over() -> bool:
        return time.time() >= over

    await eventually(is_over)


async def test_a_write_ahead_log_that_cannot_be_read_starts_anew(whole: Whole, tmp_path: Path) -> None:
    began = time.time() - 600
    await whole.start_and_scrape()
    await whole.end(signal.SIGKILL)
    ended = time.time()
    for segment in (tmp_path / "tsdb" / "wal").glob("0*"):
        segment.write_bytes(b"\xff" * 70_000)
    await whole.start_and_scrape()
    await no_resets(whole.queries)
    assert await widest_gap(whole.queries, "1h", began, ended) < 2.5
