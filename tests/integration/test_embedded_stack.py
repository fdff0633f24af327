"""All embedded servers together: what is configured is used, the rest started, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import nats
import psycopg
import pytest
import redis.asyncio
from aiohttp import web

from actors.embedded.debian import DebianPackage
from actors.embedded.demo import ShopServer
from actors.embedded.errors import DataDirectoryInUse, ServerUnavailable
from actors.embedded.nats import NatsPermissions
from actors.embedded.ports import LOOPBACK
from actors.embedded.process import ProcessState
from actors.embedded.prometheus import PACKAGE, PrometheusServer, ScrapeTarget
from actors.embedded.stack import EmbeddedStack
from actors.platform import config

pytestmark = pytest.mark.integration

PERMISSIONS = NatsPermissions(publish=("open.in.>",), subscribe=("open.out.>",))
NO_PACKAGE = DebianPackage("no-such-package-at-all", ("no-such-program-at-all",), "set COPILOT_SOMETHING")

PARENT = """
import asyncio, json, sys
from dataclasses import asdict
from pathlib import Path
from actors.embedded.nats import NatsPermissions
from actors.embedded.stack import EmbeddedStack
from actors.platform.config import load

async def main():
    stack = EmbeddedStack(load(), demo=False, nats_permissions=NatsPermissions(), packages=Path(sys.argv[1]))
    addresses = await stack.start()
    pids = [process.pid for process in stack.processes()]
    print(json.dumps({"pids": pids, "addresses": asdict(addresses)}), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether it runs; one that ended and that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short path, which another account may pass through; it is the data directory of the settings."""
    path = Path(tempfile.mkdtemp(prefix="ce-", dir="/tmp"))
    path.chmod(0o711)
    monkeypatch.setenv("COPILOT_DATA_DIR", str(path))
    monkeypatch.setenv("COPILOT_NATS__PORT", "0")
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def packages() -> Iterator[Path]:
    """One for all tests here: Prometheus is fetched once."""
    path = Path(tempfile.mkdtemp(prefix="ce-", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def without_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it does not matter: making a database takes a second or two."""
    monkeypatch.setenv("COPILOT_DATABASE__URL", "postgresql://db.example/copilot")


Made = Callable[..., EmbeddedStack]


@pytest.fixture
async def stack(data: Path, packages: Path) -> AsyncIterator[Made]:
    made: list[EmbeddedStack] = []

    def make(*, demo: bool = False, say: Callable[[str], None] = print) -> EmbeddedStack:
        made.append(EmbeddedStack(config.load(), demo, PERMISSIONS, say, packages))
        return made[-1]

    yield make
    for one in made:
        await one.stop()


async def json_of(url: str, **parameters: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url, params=parameters) as response:
        return await response.json()


async def samples(prometheus: str, query: str) -> list[Any]:
    return (await json_of(f"{prometheus}/api/v1/query", query=query))["data"]["result"]


# --- the stack ---


async def test_everything_serves_and_stops(stack: Made, data: Path) -> None:
    said: list[str] = []
    whole = stack(say=said.append)
    addresses = await whole.start()
    async with await nats.connect(addresses.nats) as client:
        assert (await client.jetstream().account_info()).streams == 0
    async with await psycopg.AsyncConnection.connect(addresses.postgresql) as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
    async with redis.asyncio.from_url(addresses.redis) as cache:
        assert await cache.ping()
    assert addresses.prometheus is not None
    assert await samples(addresses.prometheus, "vector(1)")
    assert addresses.shop is None
    assert "@" not in addresses.nats_public
    processes = whole.processes()
    assert {one.kind for one in processes} == {"nats", "postgresql", "valkey", "prometheus"}
    assert {one.state for one in processes} == {ProcessState.READY}
    assert {"NATS serves", "PostgreSQL serves", "Valkey serves", "Prometheus serves"} <= set(said)
    await whole.stop()
    assert whole.processes() == []
    assert not [one for one in processes if one.pid is None or alive(one.pid)]
    assert not list((data / "run").iterdir())


async def test_what_is_configured_is_used_instead(
    stack: Made, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, url in {
        "NATS__URL": "nats://me:secret@bus.example:4222",
        "DATABASE__URL": "postgresql://db.example/copilot",
        "REDIS__URL": "redis://cache.example",
        "OBSERVATORY__PROMETHEUS_URL": "http://metrics.example:9090",
    }.items():
        monkeypatch.setenv(f"COPILOT_{name}", url)
    whole = stack()
    addresses = await whole.start()
    assert addresses.nats == "nats://me:secret@bus.example:4222"
    assert addresses.nats_public == "nats://bus.example:4222"
    assert addresses.postgresql == "postgresql://db.example/copilot"
    assert addresses.redis == "redis://cache.example"
    assert addresses.prometheus == "http://metrics.example:9090"
    assert whole.processes() == []


@pytest.mark.usefixtures("without_postgresql")
async def test_a_second_stack_on_the_same_directory_is_told_who_holds_it(stack: Made, data: Path) -> None:
    await stack().start()
    with pytest.raises(DataDirectoryInUse, match=f"in use by process {os.getpid()}"):
        await stack().start()


@pytest.mark.usefixtures("without_postgresql")
async def test_taken_ports_are_noted(stack: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("COPILOT_NATS__PORT", str(port))
        addresses = await stack().start()
    assert str(port) not in addresses.nats_public
    assert any(note.startswith(f"port {port} is taken: NATS listens on ") for note in addresses.notes)


@pytest.mark.usefixtures("without_postgresql")
async def test_without_prometheus_the_rest_serves_and_a_note_says_so(
    stack: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.embedded.prometheus.PACKAGE", NO_PACKAGE)
    whole = stack()
    addresses = await whole.start()
    assert addresses.prometheus is None
    assert {one.kind for one in whole.processes()} == {"nats", "valkey"}
    assert any("no-such-package-at-all is not available" in note for note in addresses.notes)


@pytest.mark.usefixtures("without_postgresql")
async def test_the_shop_serves_without_prometheus_too(stack: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.embedded.prometheus.PACKAGE", NO_PACKAGE)
    addresses = await stack(demo=True).start()
    assert addresses.prometheus is None
    assert addresses.shop is not None
    async with aiohttp.ClientSession() as session, session.get(f"{addresses.shop}/metrics/payment") as answer:
        assert "# TYPE" in await answer.text()


@pytest.mark.usefixtures("without_postgresql")
async def test_a_history_that_cannot_be_written_is_noted_and_the_shop_scraped_all_the_same(
    stack: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(shop: ShopServer, tsdb: Path, promtool: Path) -> None:
        assert os.access(promtool, os.X_OK)
        raise OSError(f"no space left for {tsdb.name} of {shop.url}")

    monkeypatch.setattr(ShopServer, "fill_history", fail)
    whole = stack(demo=True)
    addresses = await whole.start()
    assert addresses.prometheus is not None
    assert {one.kind for one in whole.processes()} == {"nats", "valkey", "shop", "prometheus"}
    assert (
        f"the demo shop has no history before now: no space left for data of {addresses.shop}" in addresses.notes
    )
    written = await json_of(f"{addresses.prometheus}/api/v1/status/config")
    assert "/metrics/payment" in written["data"]["yaml"]


async def test_when_a_part_cannot_start_nothing_is_left(
    stack: Made, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = data / "postgresql" / "data"
    broken.mkdir(parents=True)
    (broken / "PG_VERSION").write_text("12\n")
    whole = stack()
    with pytest.raises(ServerUnavailable, match="made by PostgreSQL 12"):
        await whole.start()
    assert whole.processes() == []
    assert not list((data / "run").iterdir())


# --- the parent dies ---


def parent(packages: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(packages)], stdout=subprocess.PIPE, env=environment, text=True
    )


def report(process: subprocess.Popen[str]) -> Mapping[str, Any]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


async def test_a_killed_parent_takes_all_servers_along_and_the_next_start_finds_the_data(
    stack: Made, packages: Path
) -> None:
    with parent(packages) as process:
        started = report(process)
        url = started["addresses"]["postgresql"]
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        assert len(started["pids"]) == 4
        process.send_signal(signal.SIGKILL)
    again = await stack().start()  # at once: it has to wait for those that still end
    assert not [pid for pid in started["pids"] if alive(pid)]
    async with await psycopg.AsyncConnection.connect(again.postgresql) as connection:
        assert await (await connection.execute("SELECT answer FROM kept")).fetchone() == (42,)


async def test_servers_of_a_killed_parent_end_by_themselves(data: Path, packages: Path) -> None:
    with parent(packages) as process:
        pids = report(process)["pids"]
        process.send_signal(signal.SIGKILL)
    await eventually(lambda: not any(alive(pid) for pid in pids))


# --- Prometheus ---


@pytest.fixture
async def scraped() -> AsyncIterator[tuple[int, set[str]]]:
    """The port of an application to scrape, and the paths that were asked for."""
    asked: set[str] = set()

    async def answer(request: web.Request) -> web.Response:
        asked.add(request.path)
        return web.Response(text="sample_value 42\n", content_type="text/plain")

    application = web.Application()
    application.router.add_get("/metrics/{service}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    yield runner.addresses[0][1], asked
    await runner.cleanup()


async def test_prometheus_scrapes_its_targets_and_not_itself(
    data: Path, packages: Path, scraped: tuple[int, set[str]]
) -> None:
    port, asked = scraped
    labels = {"instance": "payment-1", "environment": "production"}
    targets = [
        ScrapeTarget("shop", f"{LOOPBACK}:{port}", "/metrics/payment", labels),
        ScrapeTarget("shop", f"{LOOPBACK}:{port}", "/metrics/orders", {"instance": "orders-1"}),
    ]
    server = PrometheusServer(data, packages, targets, port=0)
    await server.start()
    try:
        await eventually(lambda: asked == {"/metrics/payment", "/metrics/orders"}, seconds=30)  # one interval
        jobs = await json_of(f"{server.url}/api/v1/label/job/values")
        (payment,) = await samples(server.url, 'sample_value{instance="payment-1"}')
    finally:
        await server.stop()
    assert jobs["data"] == ["shop"]
    assert payment["metric"] == {"__name__": "sample_value", "job": "shop", **labels}
    assert payment["value"][1] == "42"


async def test_what_is_written_before_the_start_is_found_after_it_and_after_the_next(
    data: Path, packages: Path
) -> None:
    then = int(time.time()) - 3600

    async def fill(tsdb: Path, promtool: Path) -> None:
        source = tsdb.parent / "history.txt"
        source.write_text(f"# TYPE sample gauge\nsample 7 {then}\n# EOF\n")
        await run(str(promtool), "tsdb", "create-blocks-from", "openmetrics", str(source), str(tsdb))

    server = PrometheusServer(data, packages, (), port=0, before_start=fill)
    for _ in range(2):
        await server.start()
        found = await json_of(f"{server.url}/api/v1/query", query="sample", time=str(then + 10))
        assert found["data"]["result"][0]["value"][1] == "7"
        await server.stop()
        server = PrometheusServer(data, packages, (), port=0)


async def run(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0


async def test_prometheus_comes_back_at_the_same_address(data: Path, packages: Path) -> None:
    server = PrometheusServer(data, packages, (), port=0)
    await server.start()
    try:
        process = server.process
        assert process is not None
        pid = process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: process.state is ProcessState.READY and process.pid != pid)
        assert await samples(server.url, "vector(1)")
    finally:
        await server.stop()


async def test_the_package_is_usable_by_whoever_unpacked_it(packages: Path) -> None:
    binaries = await PACKAGE.obtain(packages, print)
    for name in ("prometheus", "promtool"):
        printed = await asyncio.create_subprocess_exec(
            str(binaries[name]), "--version", stdout=asyncio.subprocess.DEVNULL
        )
        assert await printed.wait() == 0
