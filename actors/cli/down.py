"""`copilot down`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import click

from actors.cli.progress import Progress
from actors.embedded.directory import held
from actors.embedded.errors import DataDirectoryInUse
from actors.platform.config import Settings, load
from gateway.cli.failure import Failed
from gateway.cli.running import NOT_RUNNING, find, started_ticks

POLL_SECONDS = 0.1
SAY_SECONDS = 5.0
STOP_SECONDS = 60.0  # beyond the time that running turns have


@click.command()
def down() -> None:
    """Stop what runs on this data directory; running turns are finished first.

    \b
    Example:
      copilot down
    """
    settings = load()
    pid = _pid(settings)
    say = Progress()
    born = started_ticks(pid)
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError as error:
        raise Failed(f"process {pid} belongs to somebody else: run this as the user that started it") from error
    except ProcessLookupError:
        born = None
    say(f"stopping (pid {pid})")
    _wait(pid, born, settings.server.drain_seconds + STOP_SECONDS, say)
    say("stopped")


def _pid(settings: Settings) -> int:
    """Of the system that runs, or is being started. Raises Failed when there is none."""
    running = find(settings.data_path)
    pid = running.pid if running else _holder(settings.data_path)
    if not pid:
        raise Failed(
            NOT_RUNNING.format(data=settings.data_path).replace(
                ": start it", ", so there is nothing to stop: start it"
            )
        )
    return pid


def _holder(data: Path) -> int | None:
    """Who holds the data directory; a start that is not ready yet has told nothing else of itself."""
    if not (data / "lock").exists():
        return None
    try:
        with held(data):
            return None
    except DataDirectoryInUse as error:
        return error.pid


def _wait(pid: int, born: int | None, seconds: float, say: Progress) -> None:
    next_word = SAY_SECONDS
    while born is not None and started_ticks(pid) == born:
        if say.seconds > seconds:
            raise Failed(f"process {pid} has not ended within {seconds:g} s: end it with `kill -9 {pid}`")
        if say.seconds > next_word:
            say("still stopping: running turns are finished first")
            next_word += SAY_SECONDS
        time.sleep(POLL_SECONDS)
