"""What a turn costs, by part: asks the running copilot one after another and reads its own metrics before and
after.

    python -m tests.load.turn_cost [--turns 200]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from actors.platform import config
from tests.e2e.five_ways import QUESTION

Readings = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Cost:
    """Per turn: wall milliseconds, and how many calls."""

    part: str
    milliseconds: float
    calls: float
    what: str


async def readings(client: aiohttp.ClientSession, base: str) -> Readings:
    """(name of the sample, label) -> value, over all processes."""
    async with client.get(f"{base}/metrics") as response:
        text = await response.text()
    found: Readings = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.endswith(("_sum", "_count")):
                label = sample.labels.get("subject") or sample.labels.get("query") or ""
                found[sample.name, label] += sample.value
    return found


async def measure(base: str, turns: int) -> tuple[list[float], Readings]:
    """Milliseconds of each turn as the client sees it, and what the metrics grew by."""
    async with aiohttp.ClientSession() as client:
        for _ in range(20):
            await _ask(client, base)
        before = await readings(client, base)
        seen = [await _ask(client, base) for _ in range(turns)]
        after = await readings(client, base)
    after.subtract(before)
    return seen, after


async def _ask(client: aiohttp.ClientSession, base: str) -> float:
    started = time.perf_counter()
    async with client.post(f"{base}/api/v1/messages", json={"content": QUESTION}) as response:
        assert response.status == 200, await response.text()
        await response.read()
    return (time.perf_counter() - started) * 1000


def costs(seen: list[float], grown: Readings, turns: int) -> list[Cost]:
    def total(name: str, prefix: str = "") -> tuple[float, float]:
        keys = [key for key in grown if key[0] == f"{name}_sum" and key[1].startswith(prefix)]
        seconds = sum(grown[key] for key in keys)
        calls = sum(grown[f"{name}_count", key[1]] for key in keys)
        return seconds * 1000 / turns, calls / turns

    asked, requests = total("copilot_bus_request_seconds", "copilot.v1.")
    metrics_asked, metrics_requests = total("copilot_bus_request_seconds", "copilot.v1.internal")
    served, _ = total("copilot_bus_handler_seconds", "copilot.v1.")
    metrics_served, _ = total("copilot_bus_handler_seconds", "copilot.v1.internal")
    appended, appends = total("copilot_bus_append_seconds")
    nlp, nlp_calls = total("copilot_bus_handler_seconds", "copilot.v1.nlp")
    context, context_calls = total("copilot_bus_handler_seconds", "copilot.v1.context")
    adapters, adapters_calls = total("copilot_bus_handler_seconds", "copilot.v1.adapters")
    backend, backend_calls = total("copilot_backend_seconds")
    store, statements = total("copilot_store_seconds")
    leases, renewals = total("copilot_store_seconds", "renew_lease")
    submit, _ = total("copilot_bus_request_seconds", "copilot.v1.turn.submit")
    turn, _ = total("copilot_bus_handler_seconds", "turn")
    client = statistics.fmean(seen)
    bus = asked - metrics_asked - served + metrics_served
    return [
        Cost(
            "gateway",
            max(0.0, client - submit - turn),
            1,
            "HTTP in and out, before the submission and after the last event",
        ),
        Cost("bus", bus, requests - metrics_requests, "requests: the way there and back"),
        Cost("bus", appended, appends, "reply events written to the stream, each acknowledged"),
        Cost("nlp", nlp, nlp_calls, "understanding"),
        Cost("context", context, context_calls, "session and working memory, its statements included"),
        Cost("adapters", adapters, adapters_calls, "actions, Prometheus included"),
        Cost("Prometheus", backend, backend_calls, "queries; those of one action run side by side"),
        Cost("store", store - leases, statements - renewals, "statements and grouped transactions"),
        Cost("all", client, 1, f"as the client sees it; p50 {statistics.median(seen):.1f} ms"),
    ]


async def main() -> None:
    parser = argparse.ArgumentParser(description="What a turn costs, by part.")
    parser.add_argument("--turns", type=int, default=200)
    turns = parser.parse_args().turns
    state = json.loads((config.load().data_path / "run" / "copilot.json").read_text())
    seen, grown = await measure(state["addresses"]["http"], turns)
    print("| part | ms a turn | calls | what |\n|---|---:|---:|---|")
    for cost in costs(seen, grown, turns):
        print(f"| {cost.part} | {cost.milliseconds:.2f} | {cost.calls:.1f} | {cost.what} |")


if __name__ == "__main__":
    asyncio.run(main())
