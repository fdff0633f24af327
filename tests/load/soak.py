"""Half the maximum for half an hour, with an actor killed every minute: memory, descriptors and latency stay flat.

python -m tests.load.soak [--minutes 30]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop

from tests.load.clients import Seen, ask
from tests.load.overload import OpenLoop
from tests.load.turns import body
from tests.support.running import Copilot, running_copilot

VICTIMS = ("nlp", "conversation", "adapters", "context")
SESSIONS = 256


@dataclass(frozen=True)
class Minute:
    seen: Seen
    megabytes: float
    descriptors: int
    victim: str


def footprint(copilot: Copilot) -> tuple[float, int]:
    """Proportional memory (PSS) in MB and open descriptors of everything that was started."""
    kib, descriptors = 0, 0
    for pid in _tree(copilot.process.pid):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
            kib += int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
            descriptors += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            continue  # it has ended since it was listed
    return kib / 1024, descriptors


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in task.read_text(encoding="utf-8").split()]
    return found


def kill_one(copilot: Copilot, number: int) -> str:
    pool = VICTIMS[number % len(VICTIMS)]
    pid = next(p["pid"] for p in copilot.state()["processes"] if p.get("pool") == pool)
    os.kill(pid, signal.SIGKILL)
    return pool


async def minute(copilot: Copilot, load: OpenLoop, rate: float, number: int) -> Minute:
    running = asyncio.create_task(load.run(rate, 60.0))
    await asyncio.sleep(20.0)
    victim = kill_one(copilot, number)
    seen = await running
    return Minute(seen, *footprint(copilot), victim)


def told(number: int, one: Minute) -> str:
    seen = one.seen
    return (
        f"| {number} | {one.victim} | {len(seen.milliseconds)} | {seen.percentile(0.5):.0f} "
        f"| {seen.percentile(0.95):.0f} | {seen.percentile(0.99):.0f} | {one.megabytes:.0f} | {one.descriptors} "
        f"| {dict(seen.statuses)} |"
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description="Half the maximum for a long time, with deaths.")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--rate", type=float, help="turns/s; half the measured maximum when it is not given")
    given = parser.parse_args()
    with running_copilot("--runtime", "ray", COPILOT_LIMITS__REQUESTS_PER_MINUTE="10000000") as copilot:
        base = copilot.address("http")
        rate = given.rate or (await ask(base, 32, 8.0, body(), sessions=True)).rate / 2
        print(f"{rate:,.0f} turns/s", flush=True)
        print("| minute | killed | answered | p50 ms | p95 ms | p99 ms | PSS MB | descriptors | statuses |")
        print("|---:|---|---:|---:|---:|---:|---:|---:|---|", flush=True)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            sessions: list[str] = []
            for _ in range(SESSIONS):
                async with http.post(f"{base}/api/v1/sessions", json={}) as response:
                    sessions.append((await response.json())["id"])
            load = OpenLoop(base, http, sessions)
            started = time.monotonic()
            for number in range(1, given.minutes + 1):
                print(told(number, await minute(copilot, load, rate, number)), flush=True)
            print(f"{(time.monotonic() - started) / 60:.1f} minutes")


if __name__ == "__main__":
    uvloop.run(main())
