"""Figures of the workflow engine, beside DBOS on the same PostgreSQL: `python -m tests.load.workflow_bench`.

One actor in a process of its own, one client. A step is an action of class `keyed` in the actor itself, so that
what is measured is the engine: intent, effect, result, history. DBOS (installed into a throwaway environment whose
interpreter `--dbos PYTHON` names) runs workflows of empty steps in one process, which is its unit too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop

from schemas.subjects import RUN_EVENT
from schemas.workflow import RUN_FINAL, RunEvent
from tests.load.workflow_shapes import layered, wide
from tests.support.servers import Servers, running_servers
from tests.support.workflows import WorkflowStage, chain, steps

DBOS_SIDE = Path(__file__).with_name("dbos_side.py")
AT_ONCE = 64


class Ends:
    """Hears which runs have ended, as a follower does: asking the database again and again would disturb it."""

    def __init__(self, stage: WorkflowStage) -> None:
        self._bus = stage.bus
        self._ended: dict[str, RunEvent] = {}
        self._news = asyncio.Event()

    async def listen(self) -> None:
        for kind in RUN_FINAL:
            await self._bus.subscribe(RUN_EVENT, self._hear, subject=f"{RUN_EVENT.type}.*.*.{kind}")
        await self._bus.flush()

    async def of(self, ids: list[str]) -> list[RunEvent]:
        """The last events of these runs, once all have ended."""
        while not all(id in self._ended for id in ids):
            self._news.clear()
            await self._news.wait()
        return [self._ended.pop(id) for id in ids]

    async def _hear(self, event: RunEvent) -> None:
        self._ended[event.workflow_id] = event
        self._news.set()


async def rate(stage: WorkflowStage, ends: Ends, runs: int, length: int, uses: str) -> float:
    """Steps a second of so many chains at the same time."""
    definition = chain(length, uses, name=f"rate-{uses.replace('.', '-')}")
    started = time.perf_counter()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> str:
        async with gate:
            return (await stage.start(definition)).id or ""

    await ends.of(await asyncio.gather(*(one() for _ in range(runs))))
    return runs * length / (time.perf_counter() - started)


async def one_chain(stage: WorkflowStage, ends: Ends, length: int, uses: str) -> float:
    """Milliseconds a step, from asking to the end."""
    started = time.perf_counter()
    accepted = await stage.start(chain(length, uses, name="one"))
    await ends.of([accepted.id or ""])
    return (time.perf_counter() - started) * 1000 / length


async def approvals(stage: WorkflowStage, ends: Ends, count: int) -> list[float]:
    """Milliseconds from asking for the decision to the start of the next step."""
    definition = {
        "name": "approved",
        "steps": [
            {"id": "go", "uses": "core.approval", "with": {"title": "Go?"}},
            {"id": "next", "uses": "lab.nothing", "needs": ["go"]},
        ],
    }
    found: list[float] = []
    for _ in range(count):
        run_id = (await stage.start(definition)).id or ""
        item = await stage.asked(run_id)
        asked = time.time()
        await stage.decide(item, "approve")
        await ends.of([run_id])
        started = steps(await stage.get(run_id))["next"].started_at
        assert started is not None
        found.append((started.timestamp() - asked) * 1000)
    return found


async def graph(stage: WorkflowStage, ends: Ends, definition: dict[str, Any]) -> dict[str, float]:
    began = time.perf_counter()
    accepted = await stage.start(definition)
    took = time.perf_counter() - began
    await ends.of([accepted.id or ""])
    total = time.perf_counter() - began
    return {"steps": len(definition["steps"]), "accepted_seconds": round(took, 2), "seconds": round(total, 2)}


def memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    return int(status.split("Pss:")[1].split()[0]) / 1024


async def ours(servers: Servers, url: str, rounds: int) -> dict[str, Any]:
    settings = servers.settings.model_copy(
        update={"database": servers.settings.database.model_copy(update={"url": url})}
    )
    stage = await WorkflowStage.set(settings, lease=30.0)
    try:
        child = await stage.child()
        ends = Ends(stage)
        await ends.listen()
        await rate(stage, ends, 20, 10, "lab.nothing")  # everything is warm
        before = memory_mb(child.pid)
        found: dict[str, Any] = {}

        def note(name: str, value: Any) -> None:
            print(f"  {name}: {value}", file=sys.stderr, flush=True)
            found[name] = value

        note("steps_per_second", [round(await rate(stage, ends, 100, 20, "lab.nothing")) for _ in range(rounds)])
        note("steps_per_second_core_noop", round(await rate(stage, ends, 100, 20, "core.noop")))
        note(
            "chain_ms_per_step",
            [round(await one_chain(stage, ends, 100, "lab.nothing"), 2) for _ in range(rounds)],
        )
        note("runs_per_second", [round(await rate(stage, ends, 500, 1, "lab.nothing")) for _ in range(rounds)])
        waited = await approvals(stage, ends, 50)
        p95 = statistics.quantiles(waited, n=20)[-1]
        note("approval_to_next_ms", {"p50": round(statistics.median(waited), 2), "p95": round(p95, 2)})
        note("graph_1890_wide", await graph(stage, ends, wide(2_122, 1_890, "lab.nothing")))
        note("graph_10000", await graph(stage, ends, layered(100, 100, "lab.nothing")))
        after_first = memory_mb(child.pid)
        await graph(stage, ends, layered(100, 100, "lab.nothing"))
        found["memory_mb"] = {
            "warm": round(before), "after_10000": round(after_first), "after_20000": round(memory_mb(child.pid))
        }  # fmt: skip
        return found
    finally:
        await stage.clear()


def theirs(python: str, url: str, rounds: int) -> dict[str, Any]:
    done = subprocess.run(
        [python, str(DBOS_SIDE), url, str(rounds)], capture_output=True, text=True, timeout=900, check=False
    )
    if done.returncode:
        raise SystemExit(f"DBOS did not run:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def run(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dbos", metavar="PYTHON", help="An interpreter that has the package dbos.")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with running_servers(demo=False) as servers:
        with servers.database() as url:
            print(json.dumps({"ours": run(ours(servers, url, options.rounds))}, indent=1), flush=True)
        if options.dbos:
            with servers.database() as url:
                print(json.dumps({"dbos": theirs(options.dbos, url, options.rounds)}, indent=1), flush=True)
        else:
            print("without --dbos PYTHON there is nothing to compare with", file=sys.stderr)


if __name__ == "__main__":
    main()
