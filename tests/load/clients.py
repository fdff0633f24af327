"""Many clients, each asking one question after another, and what they saw."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp


@dataclass
class Seen:
    """Milliseconds of the answered requests, and the statuses of all."""

    clients: int
    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list[float])
    statuses: Counter[int] = field(default_factory=Counter[int])
    refused_milliseconds: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        return len(self.milliseconds) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        return percentile(self.milliseconds, share)


def percentile(values: list[float], share: float) -> float:
    """By rank; NaN without values."""
    if not values:
        return float("nan")
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=1000, method="inclusive")[min(998, round(share * 1000) - 1)]


async def ask(base: str, clients: int, seconds: float, body: dict[str, Any], *, sessions: bool) -> Seen:
    """Closed loop: `clients` at a time, for so many seconds. With `sessions` each client has one of its own."""
    seen = Seen(clients)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
    async with aiohttp.ClientSession(connector=connector) as http:
        bodies = [dict(body) for _ in range(clients)]
        if sessions:
            for one in bodies:
                async with http.post(f"{base}/api/v1/sessions", json={}) as response:
                    one["session_id"] = (await response.json())["id"]
        started = time.perf_counter()
        until = started + seconds
        await asyncio.gather(*(_client(http, base, one, until, seen) for one in bodies))
        seen.seconds = time.perf_counter() - started
    return seen


async def _client(http: aiohttp.ClientSession, base: str, body: dict[str, Any], until: float, seen: Seen) -> None:
    while time.perf_counter() < until:
        started = time.perf_counter()
        async with http.post(f"{base}/api/v1/messages", json=body) as response:
            await response.read()
            took = (time.perf_counter() - started) * 1000
            seen.statuses[response.status] += 1
            if response.status == 200:
                seen.milliseconds.append(took)
            else:
                seen.refused_milliseconds.append(took)
                retry = float(response.headers.get("Retry-After", "0"))
        if response.status != 200:
            await asyncio.sleep(min(retry, 1.0))
