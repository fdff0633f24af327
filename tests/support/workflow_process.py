"""One actor of the workflow pool, with the lab's actions, in a process of its own.

Processes are forked from a server that has imported everything already: a new one serves after a tenth of a
second, and dies of a signal like any other.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop

from actors.platform.config import Settings
from actors.platform.guard.fault_points import Fault, install
from actors.platform.pool.actor import Place
from actors.platform.telemetry import configure_logging
from actors.workflow.actor import WorkflowActor
from tests.support.lab import lab_actions

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


class Child:
    """An actor that can be killed, put to sleep, and woken."""

    def __init__(self, process: Any, serving: Connection, slot: str) -> None:
        self._process = process
        self._serving = serving
        self.slot = slot

    async def serves(self) -> bool:
        """False where it has died before."""
        try:
            return await asyncio.to_thread(self._serving.recv)
        except EOFError:
            return False

    def kill(self) -> None:
        self._process.kill()
        self._process.join(10)

    def end(self) -> None:
        """As an operator does: it drains."""
        self._process.terminate()

    async def sleeps(self) -> bool:
        """Whether it has been stopped (by a fault, or by `sleep`)."""
        stat = await asyncio.to_thread(Path(f"/proc/{self._process.pid}/stat").read_text, encoding="utf-8")
        return stat.rpartition(")")[2].split()[0] == "T"

    def sleep(self) -> None:
        os.kill(self._process.pid, signal.SIGSTOP)

    def awake(self) -> None:
        os.kill(self._process.pid, signal.SIGCONT)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return not self._process.is_alive()

    async def has_ended(self) -> bool:
        return self.ended

    def clear(self) -> None:
        if not self.ended:
            self.kill()
        self._process.join(10)
        self._process.close()
        self._serving.close()


def child(settings: Settings, slot: str, faults: tuple[Fault, ...], log: Path | None) -> Child:
    here, there = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_run, args=(settings, slot, faults, log, there), name=slot)
    process.start()
    there.close()
    return Child(process, here, slot)


def _run(settings: Settings, slot: str, faults: tuple[Fault, ...], log: Path | None, serving: Connection) -> None:
    install(*faults)
    configure_logging(settings.telemetry.log_level, slot, log or Path(os.devnull))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, slot, serving))
    sys.exit(0)


async def _serve(settings: Settings, slot: str, serving: Connection) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    more, pool = lab_actions(settings.database.url)
    await pool.open()
    actor = WorkflowActor(Place("workflow", slot, settings), more=more)
    await actor.start()
    serving.send(True)
    await stop.wait()
    await actor.stop()
    await pool.close()
