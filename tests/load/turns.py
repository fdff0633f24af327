"""Turns per second and their latency at 1, 32 and 256 clients, beside a bare echo in the same run.

The question is asked for an instant in the past, so that telemetry comes from the cache; every turn is accepted by
a commit, answered with its evidence, and stored.

    python -m tests.load.turns [--seconds 8] [--runtime ray|local] [--clients 1 32 256]
"""

from __future__ import annotations

import argparse
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop

from tests.e2e.five_ways import QUESTION
from tests.load.clients import Seen, ask
from tests.load.echo import running_echo
from tests.support.running import Copilot, running_copilot
from tests.support.servers import running_servers

CLOCK = os.sysconf("SC_CLK_TCK")


def body() -> dict[str, Any]:
    return {"content": QUESTION, "as_of": (datetime.now(UTC) - timedelta(minutes=5)).isoformat()}


def processor_seconds(copilot: Copilot) -> dict[str, float]:
    """By part; PostgreSQL's own children are counted with it."""
    found: dict[str, float] = {}
    for process in copilot.state()["processes"]:
        name = process.get("pool") or process["kind"]
        pids = [process["pid"], *(_children(process["pid"]) if process["kind"] == "postgresql" else ())]
        found[name] = found.get(name, 0.0) + sum(_used(pid) for pid in pids)
    return found


def _used(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0  # it has ended since it was listed
    return (int(fields[11]) + int(fields[12])) / CLOCK


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text(encoding="utf-8").split()] if path.exists() else []


async def level(copilot: Copilot, echo: str, clients: int, seconds: float) -> tuple[Seen, Seen, dict[str, float]]:
    base = copilot.address("http")
    await ask(base, clients, 1.0, body(), sessions=True)  # warm
    before = processor_seconds(copilot)
    turns = await ask(base, clients, seconds, body(), sessions=True)
    after = processor_seconds(copilot)
    floor = await ask(echo, clients, seconds / 2, {"content": QUESTION}, sessions=False)
    done = max(1, len(turns.milliseconds))
    return turns, floor, {name: (after[name] - before.get(name, 0.0)) * 1000 / done for name in after}


def told(turns: Seen, floor: Seen) -> str:
    bad = sum(count for status, count in turns.statuses.items() if status != 200)
    return (
        f"| {turns.clients} | {turns.rate:,.0f} | {turns.percentile(0.5):.1f} | {turns.percentile(0.99):.1f} "
        f"| {floor.rate:,.0f} | {floor.percentile(0.5):.1f} | {floor.percentile(0.99):.1f} "
        f"| {turns.rate / floor.rate:.3f} | {bad} |"
    )


async def main() -> None:
    parser = argparse.ArgumentParser(description="Turns per second beside a bare echo.")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--runtime", choices=("ray", "local"), default="ray")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 32, 256])
    given = parser.parse_args()
    limits = {"COPILOT_LIMITS__REQUESTS_PER_MINUTE": "10000000"}
    # The echo has a NATS server of its own: clients of the copilot's may not use subjects of their own.
    with (
        running_copilot("--runtime", given.runtime, **limits) as copilot,
        running_servers(demo=False) as bare,
        running_echo(bare.settings.nats.url) as echo,
    ):
        rows = [await level(copilot, echo, clients, given.seconds) for clients in given.clients]
    print("| clients | turns/s | p50 ms | p99 ms | echo/s | p50 ms | p99 ms | ratio | refused |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for turns, floor, _ in rows:
        print(told(turns, floor))
    print("\nprocessor milliseconds a turn, by part, at the most clients:")
    print(", ".join(f"{name} {share:.2f}" for name, share in sorted(rows[-1][2].items(), key=lambda i: -i[1])))


if __name__ == "__main__":
    uvloop.run(main())
