"""Processes that an earlier parent left behind, recognised by pid file and command line."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

POLL_SECONDS = 0.02


def names_directory(pid: int, data: Path) -> bool:
    """Whether the command line of `pid` names `data` or something below it. Pids are used again: always ask."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    root = os.fsencode(data)
    return any(
        value == root or value.startswith(root + b"/")
        for argument in arguments
        for value in (argument, argument.partition(b"=")[2])
    )


def read_pid(path: Path) -> int | None:
    """The pid on the first line of a pid file; None where there is no such file or number."""
    try:
        first = path.read_text(encoding="utf-8").partition("\n")[0].strip()
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() and int(first) > 1 else None


async def end_leftover(pid_file: Path, data: Path, stop: signal.Signals, grace: float = 10.0) -> int | None:
    """Ends the process that `pid_file` names if it works on `data`: `stop`, after `grace` seconds SIGKILL.

    Returns its pid, or None where there was nothing to end.
    """
    pid = read_pid(pid_file)
    ended = None
    if pid is not None and names_directory(pid, data):
        await _end(pid, data, stop, grace)
        ended = pid
    return ended


async def _end(pid: int, data: Path, stop: signal.Signals, grace: float) -> None:
    for kind, patience in ((stop, grace), (signal.SIGKILL, grace)):
        if not names_directory(pid, data):
            return
        os.kill(pid, kind)
        if await _gone(pid, data, patience):
            return


async def _gone(pid: int, data: Path, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while names_directory(pid, data):  # empty for a zombie, which holds nothing any more
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True
