"""The system in the background: started in a session of its own, followed until it is ready."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from actors.cli.serving import TALK
from actors.embedded.directory import prepare
from actors.embedded.errors import DataDirectoryUnusable
from actors.platform.config import Settings
from gateway.cli.examples import banner
from gateway.cli.failure import Failed
from gateway.cli.running import RunningSystem, find

POLL_SECONDS = 0.1


def start(settings: Settings, arguments: list[str]) -> None:
    """Returns when the system is ready. Raises Failed when it ends before; Ctrl-C ends it."""
    try:
        prepare(settings.data_path)
    except OSError as error:
        raise DataDirectoryUnusable(settings.data_path, error) from error
    log = settings.data_path / TALK
    with log.open("ab") as output:
        begin = output.tell()
        child = subprocess.Popen(
            [sys.executable, "-m", "actors.cli.main", "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        running = _ready(settings, child, _new_text(log, begin))
    except KeyboardInterrupt:
        child.send_signal(signal.SIGTERM)
        child.wait()
        raise
    if running is None:
        raise Failed(f"it did not start, for the reason above; the log is {log}")
    for line in banner(running.addresses, running.state["notes"], jwt=settings.auth.mode == "jwt"):
        click.echo(line)
    click.echo(f"\nIt runs in the background (pid {running.pid}); `copilot down` stops it. Log: {log}")


def _ready(settings: Settings, child: subprocess.Popen[bytes], text: Iterator[str]) -> RunningSystem | None:
    """Shows what the child says. None when it has ended."""
    while True:
        ended = child.poll() is not None
        click.echo(next(text), nl=False, err=True)
        running = find(settings.data_path)
        if running is not None and running.pid == child.pid:
            return running
        if ended:
            return None
        time.sleep(POLL_SECONDS)


def _new_text(log: Path, begin: int) -> Iterator[str]:
    """Whatever was added since the last time, without end."""
    with log.open("rb") as file:
        file.seek(begin, os.SEEK_SET)
        while True:
            yield file.read().decode(errors="replace")
