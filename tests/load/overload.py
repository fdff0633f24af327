"""Ten times the sustainable rate for a minute: what is let in stays fast, what is refused is refused at once.

The sustainable rate is what 32 clients get, one question after another. Then questions come at a fixed rate,
whether or not they are answered: first at half of it (the normal), then at ten times, then at half of it again.

    python -m tests.load.overload [--seconds 60]
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

import aiohttp
import uvloop

from tests.load.clients import Seen, ask, percentile
from tests.load.turns import body
from tests.support.running import Copilot, running_copilot

SESSIONS = 512
MOST_OPEN = 4_000  # of the load generator itself


def resident_megabytes(copilot: Copilot) -> dict[str, float]:
    found: dict[str, float] = {}
    for process in copilot.state()["processes"]:
        status = Path(f"/proc/{process['pid']}/status")
        if status.exists():
            kib = next(line for line in status.read_text(encoding="utf-8").splitlines() if "VmRSS" in line)
            found[process.get("slot") or process["kind"]] = int(kib.split()[1]) / 1024
    return found


class OpenLoop:
    """Questions at a fixed rate, each in a session of its own turn; `seen` by the second they came in."""

    def __init__(self, base: str, http: aiohttp.ClientSession, sessions: list[str]) -> None:
        self._base, self._http, self._sessions = base, http, sessions
        self._open: set[asyncio.Task[None]] = set()
        self._asked = 0
        self._body = body()
        self.skipped = 0

    async def run(self, rate: float, seconds: float) -> Seen:
        seen = Seen(0)
        started = time.perf_counter()
        sent = 0
        while (elapsed := time.perf_counter() - started) < seconds:
            while sent < elapsed * rate:
                sent += 1
                self._send(seen)
            await asyncio.sleep(0.002)
        seen.seconds = time.perf_counter() - started
        if self._open:
            await asyncio.wait(self._open, timeout=30)
        return seen

    def _send(self, seen: Seen) -> None:
        if len(self._open) >= MOST_OPEN:
            self.skipped += 1
            return
        self._asked += 1
        task = asyncio.create_task(self._one(seen, self._sessions[self._asked % len(self._sessions)]))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _one(self, seen: Seen, session: str) -> None:
        started = time.perf_counter()
        asked = {**self._body, "session_id": session}
        async with self._http.post(f"{self._base}/api/v1/messages", json=asked) as response:
            await response.read()
            took = (time.perf_counter() - started) * 1000
            seen.statuses[response.status] += 1
            (seen.milliseconds if response.status == 200 else seen.refused_milliseconds).append(took)


def told(name: str, rate: float, seen: Seen) -> str:
    refused = seen.refused_milliseconds
    return (
        f"| {name} | {rate:,.0f} | {seen.rate:,.0f} | {seen.percentile(0.5):.0f} | {seen.percentile(0.95):.0f} "
        f"| {len(refused) / max(1.0, seen.seconds):,.0f} | {percentile(refused, 0.5):.1f} "
        f"| {percentile(refused, 0.95):.1f} | {dict(seen.statuses)} |"
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description="Ten times the sustainable rate.")
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    with running_copilot("--runtime", "ray", COPILOT_LIMITS__REQUESTS_PER_MINUTE="10000000") as copilot:
        base = copilot.address("http")
        most = (await ask(base, 32, 8.0, body(), sessions=True)).rate
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http:
            sessions = [await _session(http, base) for _ in range(SESSIONS)]
            load = OpenLoop(base, http, sessions)
            before = resident_megabytes(copilot)
            rows = [
                ("half", most / 2, await load.run(most / 2, 10.0)),
                ("ten times", most * 10, await load.run(most * 10, seconds)),
                ("half, 5 s later", most / 2, (await asyncio.sleep(5.0), await load.run(most / 2, 10.0))[1]),
            ]
            after = resident_megabytes(copilot)
    print(f"sustainable: {most:,.0f} turns/s")
    print("| load | asked/s | answered/s | p50 ms | p95 ms | refused/s | p50 ms | p95 ms | statuses |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|")
    for name, rate, seen in rows:
        print(told(name, rate, seen))
    print(f"not sent, because too many were open at the generator: {load.skipped}")
    print("MB before and after:", ", ".join(f"{k} {before.get(k, 0):.0f} → {v:.0f}" for k, v in after.items()))


async def _session(http: aiohttp.ClientSession, base: str) -> str:
    async with http.post(f"{base}/api/v1/sessions", json={}) as response:
        return (await response.json())["id"]


if __name__ == "__main__":
    uvloop.run(main())
