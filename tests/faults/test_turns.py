"""Two hundred turns in fifty sessions while something dies: nothing accepted is lost or doubled.

One copilot for all of them, with every fault installed and disarmed: a fault happens once its mark is removed.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psycopg
import pytest

from actors.platform.guard.fault_points import VARIABLE, Fault, FaultPoint, to_variable
from tests.support.recording import Recorder, judge
from tests.support.running import Copilot, running_copilot
from tests.support.servers import data_directory
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

KILLED_AT: tuple[FaultPoint, ...] = (
    "store.commit.before",
    "turn.accepted",
    "turn.started",
    "turn.said",
    "turn.closed",
    "turn.told",
)
LEASE_SECONDS = 3.0


@dataclass(frozen=True)
class Stricken:
    """A copilot with faults that wait for `arm`."""

    copilot: Copilot
    marks: Path

    def arm(self, name: str) -> None:
        (self.marks / name).unlink()

    def happened(self, name: str) -> bool:
        return (self.marks / name).exists()

    def pids(self, kind: str) -> list[int]:
        """Of a pool, or of a kind of process."""
        processes = self.copilot.state()["processes"]
        return [p["pid"] for p in processes if kind in (p.get("pool"), p["kind"]) and p["pid"]]

    async def ready(self) -> bool:
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"{self.copilot.address('http')}/ready") as response,
            ):
                return response.status == 200
        except (aiohttp.ClientError, FileNotFoundError):
            return False


@pytest.fixture(scope="module")
def stricken() -> Iterator[Stricken]:
    with data_directory() as marks:
        faults = [
            *(Fault(at=at, do="kill", times=0, mark=str(marks / f"kill.{at}")) for at in KILLED_AT),
            Fault(at="turn.said", do="stop", times=0, mark=str(marks / "stop.turn.said")),
            Fault(at="store.commit.after", do="fail", times=0, mark=str(marks / "fail.store.commit.after")),
        ]
        for fault in faults:
            Path(fault.mark).touch()
        environment = {VARIABLE: to_variable(*faults), "COPILOT_POOLS__CONVERSATION__SIZE": "2"}
        with running_copilot("--runtime", "ray", **environment) as running:
            yield Stricken(running, marks)


async def through(stricken: Stricken, fault: Callable[[], Awaitable[None]]) -> None:
    """Two hundred turns with this in the middle of them; afterwards everything is well again."""
    await eventually(stricken.ready, 60)
    recorder = Recorder(stricken.copilot)
    await recorder.run(fault)
    judge(recorder)
    await eventually(stricken.ready, 60)


async def test_without_a_fault(stricken: Stricken) -> None:
    recorder = Recorder(stricken.copilot)
    await recorder.run()
    judge(recorder)


@pytest.mark.parametrize("at", KILLED_AT)
async def test_an_actor_is_killed_at_a_named_point(stricken: Stricken, at: str) -> None:
    async def fault() -> None:
        stricken.arm(f"kill.{at}")

    await through(stricken, fault)
    assert stricken.happened(f"kill.{at}")


async def test_committed_but_told_that_it_failed(stricken: Stricken) -> None:
    async def fault() -> None:
        stricken.arm("fail.store.commit.after")

    await through(stricken, fault)
    assert stricken.happened("fail.store.commit.after")


@pytest.mark.parametrize("kind", ["nlp", "adapters", "context", "conversation", "gateway", "nats", "valkey"])
async def test_a_process_is_killed(stricken: Stricken, kind: str) -> None:
    async def fault() -> None:
        os.kill(stricken.pids(kind)[0], signal.SIGKILL)

    await through(stricken, fault)


@pytest.mark.parametrize("kind", ["conversation", "nlp", "adapters", "gateway", "nats", "postgresql"])
async def test_a_process_sleeps_beyond_the_lease(stricken: Stricken, kind: str) -> None:
    async def fault() -> None:
        pid = stricken.pids(kind)[0]
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(LEASE_SECONDS + 1.5)
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            return  # found hung, ended and replaced meanwhile

    await through(stricken, fault)


async def test_the_database_is_restarted_at_once(stricken: Stricken) -> None:
    async def fault() -> None:
        os.kill(stricken.pids("postgresql")[0], signal.SIGQUIT)  # what `pg_ctl stop -m immediate` sends

    await through(stricken, fault)


async def test_connections_are_cut_in_the_middle_of_transactions(stricken: Stricken) -> None:
    url = stricken.copilot.address("postgresql")

    async def fault() -> None:
        for _ in range(10):
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    "AND datname = current_database()"
                )

    await through(stricken, fault)
