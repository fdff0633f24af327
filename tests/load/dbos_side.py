"""The DBOS half of `workflow_bench.py`, run by an interpreter that has `dbos`: the same shapes with empty steps.

`python dbos_side.py POSTGRESQL_URL ROUNDS`; the last line is JSON. Both of its ways are measured, threads and
asyncio; the better one counts.
"""

# pyright: basic
from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS  # type: ignore[import-not-found]

AT_ONCE = 64


@DBOS.step()
def step(n: int) -> int:
    return n


@DBOS.workflow()
def steps_in_a_row(length: int) -> int:
    return sum(step(n) for n in range(length))


@DBOS.step()
async def step_async(n: int) -> int:
    return n


@DBOS.workflow()
async def steps_in_a_row_async(length: int) -> int:
    return sum([await step_async(n) for n in range(length)])


@DBOS.step()
def step_that_says_when() -> float:
    return time.time()


@DBOS.workflow()
def approved() -> float:
    DBOS.recv("decision", timeout_seconds=30)
    return step_that_says_when()


def threads(runs: int, length: int) -> float:
    """Seconds for so many workflows."""
    started = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        handles = list(pool.map(lambda _: DBOS.start_workflow(steps_in_a_row, length), range(runs)))
        list(pool.map(lambda handle: handle.get_result(), handles))
    return time.perf_counter() - started


async def coroutines(runs: int, length: int) -> float:
    started = time.perf_counter()
    gate = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with gate:
            handle = await DBOS.start_workflow_async(steps_in_a_row_async, length)
            await handle.get_result()

    await asyncio.gather(*(one() for _ in range(runs)))
    return time.perf_counter() - started


def approvals(count: int) -> list[float]:
    """Milliseconds from the decision to the next step; the wait has surely begun before."""
    found = []
    for _ in range(count):
        handle = DBOS.start_workflow(approved)
        time.sleep(0.1)
        asked = time.time()
        DBOS.send(handle.get_workflow_id(), "approve", "decision")
        found.append((handle.get_result() - asked) * 1000)
    return found


def main(url: str, rounds: int) -> None:
    DBOS(config={"name": "bench", "system_database_url": url, "log_level": "ERROR", "enable_otlp": False})
    DBOS.launch()
    loop = asyncio.new_event_loop()

    def both(runs: int, length: int) -> tuple[float, float]:
        return threads(runs, length), loop.run_until_complete(coroutines(runs, length))

    both(20, 10)  # everything is warm
    waited = approvals(50)
    found = {
        "steps_per_second": [round(2_000 / min(both(100, 20))) for _ in range(rounds)],
        "chain_ms_per_step": [round(min(both(1, 100)) * 10, 2) for _ in range(rounds)],
        "runs_per_second": [round(500 / min(both(500, 1))) for _ in range(rounds)],
        "approval_to_next_ms": {
            "p50": round(statistics.median(waited), 2),
            "p95": round(statistics.quantiles(waited, n=20)[-1], 2),
        },
    }
    DBOS.destroy()
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
