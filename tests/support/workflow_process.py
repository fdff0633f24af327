"""`python -m tests.support.workflow_process SLOT`: one actor of the workflow pool with the lab's actions, as the
environment configures it; says `serving` and lasts until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop

from actors.platform.config import load
from actors.platform.pool.actor import Place
from actors.platform.telemetry import configure_logging
from actors.workflow.actor import WorkflowActor
from tests.support.lab import lab_actions


async def serve(slot: str) -> None:
    settings = load()
    configure_logging(settings.telemetry.log_level, slot)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    more, pool = lab_actions(settings.database.url)
    await pool.open()
    actor = WorkflowActor(Place("workflow", slot, settings), more=more)
    await actor.start()
    print("serving", flush=True)
    await stop.wait()
    await actor.stop()
    await pool.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))
