"""Actors on Ray are killed, scaled, and the whole thing is killed: nothing accepted is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.e2e import five_ways
from tests.support.running import Copilot, running_copilot
from tests.support.servers import data_directory
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


async def ask(client: aiohttp.ClientSession, base: str, content: str, **more: Any) -> dict[str, Any]:
    async with client.post(f"{base}/api/v1/messages", json={"content": content, **more}) as response:
        body = await response.json()
        assert response.status == 200, body
        return body


def pid_of(copilot: Copilot, slot: str) -> int | None:
    done = copilot.run("status", "--json")
    processes = json.loads(done.stdout)["processes"]
    return next((p["pid"] for p in processes if p.get("slot") == slot), None)


async def test_scaling_up_and_down_under_load_loses_no_request(copilot: Copilot) -> None:
    base = copilot.address("http")
    stop = asyncio.Event()
    answered: list[str] = []

    async def keep_asking(client: aiohttp.ClientSession) -> None:
        while not stop.is_set():
            answered.append((await ask(client, base, "what can you do?"))["intent"]["name"])

    async with aiohttp.ClientSession() as client:
        askers = [asyncio.create_task(keep_asking(client)) for _ in range(4)]
        for size in ("nlp=3", "nlp=1", "conversation=2", "conversation=1"):
            done = await asyncio.to_thread(copilot.run, "scale", size)
            assert done.returncode == 0, done.stderr
        stop.set()
        await asyncio.gather(*askers)
    assert len(answered) > 20
    assert set(answered) == {"help"}


@pytest.mark.parametrize("slot", ["nlp-0", "adapters-0", "context-0", "conversation-0"])
async def test_a_killed_actor_comes_back_and_no_accepted_turn_is_lost(copilot: Copilot, slot: str) -> None:
    base = copilot.address("http")
    victim = pid_of(copilot, slot)
    assert victim is not None
    accepted: list[dict[str, Any]] = []
    refused = 0

    async def submit(client: aiohttp.ClientSession, number: int) -> None:
        nonlocal refused
        event = {
            "specversion": "1.0",
            "id": f"{slot}-{number}",
            "source": "test",
            "type": "copilot.v1.turn.submit",
            "data": {"content": "what can you do?"},
        }
        headers = {"Content-Type": "application/cloudevents+json"}
        async with client.post(f"{base}/api/v1/events", data=json.dumps(event), headers=headers) as response:
            if response.status == 202:
                accepted.append(await response.json())
            else:
                assert response.status in (503, 504), await response.text()
                assert "Retry-After" in response.headers
                refused += 1

    async with aiohttp.ClientSession() as client:
        await asyncio.gather(*(submit(client, n) for n in range(20)))
        os.kill(victim, signal.SIGKILL)
        await asyncio.gather(*(submit(client, n) for n in range(20, 40)))

        async def all_closed() -> bool:
            with psycopg.connect(copilot.address("postgresql")) as connection:
                row = connection.execute(
                    "SELECT count(*) FROM turn WHERE state = 'done' AND id = ANY(%s)",
                    ([turn["turn_id"] for turn in accepted],),
                ).fetchone()
            return row is not None and row[0] == len(accepted)

        await eventually(all_closed, 60)

        async def ready() -> bool:
            async with client.get(f"{base}/ready") as response:
                return response.status == 200

        await eventually(ready, 30)
    assert len(accepted) >= 20
    assert pid_of(copilot, slot) not in (victim, None)


async def test_prometheus_down_is_said_and_nothing_is_invented(copilot: Copilot) -> None:
    base = copilot.address("http")
    processes = copilot.state()["processes"]
    prometheus = next(p["pid"] for p in processes if p["kind"] == "prometheus")
    async with aiohttp.ClientSession() as client:
        os.kill(prometheus, signal.SIGSTOP)
        try:
            reply = await ask(client, base, five_ways.QUESTION)
        finally:
            os.kill(prometheus, signal.SIGCONT)
        assert "prometheus" in [part["part"] for part in reply["degraded"]]
        assert "Prometheus" in reply["content"]
        assert "%" not in reply["content"]
        assert reply["evidence"] == []

        async def back() -> bool:
            again = await ask(client, base, five_ways.QUESTION)
            return "error rate of" in again["content"]

        await eventually(back, 30)  # what hung may have been ended and started again


async def test_everything_ends_with_a_killed_parent_and_the_next_start_goes_on() -> None:
    with data_directory() as data:
        with running_copilot("--runtime", "ray", "--no-demo", data=data) as first:
            async with aiohttp.ClientSession() as client:
                said = await ask(client, first.address("http"), "what can you do?")
            pids = [p["pid"] for p in first.state()["processes"] if p["pid"]]
            first.process.kill()
            first.process.wait()

            async def all_gone() -> bool:
                return not [pid for pid in pids if lives(pid)] and not below(data)

            await eventually(all_gone, 30)
        started = time.monotonic()
        with running_copilot("--runtime", "ray", "--no-demo", data=data) as second:
            assert time.monotonic() - started < 300  # a hang guard; the figure is in the README
            async with aiohttp.ClientSession() as client:
                path = f"{second.address('http')}/api/v1/messages/{said['session_id']}"
                page = await (await client.get(path)).json()
                assert [item["role"] for item in page["items"]] == ["user", "assistant"]
                await ask(client, second.address("http"), "help", session_id=said["session_id"])


def lives(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def below(data: Path) -> list[str]:
    """Processes whose command line names the data directory."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if str(data).encode() in words and folder.name != str(os.getpid()):
            found.append(folder.name)
    return found
