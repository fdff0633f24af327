"""The shop as a process: what it has shown and acknowledged survives every kind of end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.embedded.ports import LOOPBACK, free
from actors.embedded.shop.generator import chunk_of, micros
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

Start = Callable[[], Awaitable["Running"]]


class Running:
    """A shop of its own process, and how to talk to it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://{LOOPBACK}:{port}"

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), 20)

    async def counted(self, service: str) -> dict[str, float]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/metrics/{service}") as answer:
            families = text_string_to_metric_families(await answer.text())
        samples = [sample for family in families if family.type == "counter" for sample in family.samples]
        return {f"{sample.name}{sorted(sample.labels.items())}": sample.value for sample in samples}

    async def asks(self, path: str, **body: Any) -> dict[str, Any]:
        async with aiohttp.ClientSession() as session:
            call = session.post(f"{self.url}{path}", json=body) if body else session.get(f"{self.url}{path}")
            async with call as answer:
                assert answer.status == 200
                return await answer.json()

    async def healthy(self) -> bool:
        with suppress(aiohttp.ClientError):
            return bool(await self.asks("/health"))
        return False


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    started: list[Running] = []

    async def begin() -> Running:
        port = free(0)
        argv = ("-m", "actors.embedded.shop", "--data", str(tmp_path), "--port", str(port))
        running = Running(await asyncio.create_subprocess_exec(sys.executable, *argv), port)
        started.append(running)
        await eventually(running.healthy)
        return running

    yield begin
    for running in started:
        if running.process.returncode is None:
            await running.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_numbers_and_actions_outlive_the_process(start: Start, number: signal.Signals) -> None:
    shop = await start()
    await shop.asks("/actions", action="deploy", service="payment", version="2.4.1")
    shown = {service: await shop.counted(service) for service in ("gateway", "payment")}
    assert await shop.end(number) == (-signal.SIGKILL if number is signal.SIGKILL else 0)

    again = await start()
    state = await again.asks("/state")
    assert state["services"]["payment"]["version"] == "2.4.1"
    for service, before in shown.items():
        after = await again.counted(service)
        assert after.keys() == before.keys()
        assert all(after[name] >= before[name] for name in before)


async def test_a_clean_end_keeps_the_counters_of_the_moment(start: Start, tmp_path: Path) -> None:
    shop = await start()
    began = chunk_of(micros(time.time()))
    assert await shop.end(signal.SIGTERM) == 0
    marks = json.loads((tmp_path / "shop" / "ledger.json").read_text())["marks"]
    assert max(chunk for chunk, _ in marks) >= began
