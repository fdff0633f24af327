"""The life of `copilot up`: start, serve or chat, stop at a signal; a second signal stops at once."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click

from actors.cli.progress import Progress
from actors.cli.system import Options, System
from actors.embedded.account import bound_to_parent
from actors.embedded.directory import prepare
from actors.embedded.errors import DataDirectoryUnusable
from actors.platform.config import Settings
from actors.platform.telemetry import configure_logging
from gateway.cli.examples import banner
from gateway.cli.options import TOKEN_VARIABLE

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KILLED = 130  # exit code after the second signal
LOG = Path("logs") / "supervisor.log"
TALK = Path("logs") / "copilot.log"


class Stop:
    """The first signal asks to stop in order, the second ends this process; the kernel ends its children."""

    def __init__(self, say: Callable[[str], None], at_once: Callable[[], None]) -> None:
        self.asked = asyncio.Event()
        self._say = say
        self._at_once = at_once

    def listen(self) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._received)

    def leave_interrupts_to_the_chat(self) -> None:
        """Ctrl-C reaches every process of the terminal; there it stops an answer, not the system."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, _nothing)

    def _received(self) -> None:
        if self.asked.is_set():
            self._say("stopped at once")
            self._at_once()
            os._exit(KILLED)
        self._say("stopping: running turns are finished first (once more to stop at once)")
        self.asked.set()


def _nothing() -> None:
    return


async def serve(settings: Settings, options: Options, *, show_banner: bool) -> None:
    """Returns when the system has stopped. Raises what its start raised, with nothing left running."""
    say = Progress()
    write_logs(settings)
    system = System(settings, options, say)
    stop = Stop(say, system.kill_gateway)
    stop.listen()
    if not await _started(system, stop):
        say("stopped before it was ready")
        return
    stop.listen()  # again: Ray has put a handler before ours that prints a stack trace at SIGTERM
    say("ready")
    try:
        if show_banner:
            state = system.state()
            for line in banner(state["addresses"], state["notes"], jwt=settings.auth.mode == "jwt"):
                click.echo(line)
        if sys.stdin.isatty() and sys.stdout.isatty() and not _lacks_token(settings, say):
            await _chat(system, stop, say)
        else:
            await stop.asked.wait()
    finally:
        await system.stop()
    say("stopped")


def write_logs(settings: Settings) -> None:
    """Structured logs, and what libraries log, go into a file: the terminal is for people."""
    try:
        prepare(settings.data_path)
    except OSError as error:
        raise DataDirectoryUnusable(settings.data_path, error) from error
    file = settings.data_path / LOG
    configure_logging(settings.telemetry.log_level, "supervisor", file)
    logging.basicConfig(
        filename=file, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )


async def _started(system: System, stop: Stop) -> bool:
    """False when a signal came first; then the start has been undone."""
    starting = asyncio.create_task(system.start())
    asked = asyncio.create_task(stop.asked.wait())
    await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not starting.done():
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        return False
    await starting
    return True


def _lacks_token(settings: Settings, say: Callable[[str], None]) -> bool:
    lacks = settings.auth.mode == "jwt" and TOKEN_VARIABLE not in os.environ
    if lacks:
        say(f"no chat without a token: set {TOKEN_VARIABLE}, see `copilot token create --help`")
    return lacks


async def _chat(system: System, stop: Stop, say: Progress) -> None:
    """A process of its own: readline would hold up the supervision. Ends with it, or with a signal to us."""
    settings = system.settings
    argv = (sys.executable, "-m", "actors.cli.main", "chat", "--url", system.state()["addresses"]["http"])
    environment = {**os.environ, "COPILOT_DATA_DIR": str(settings.data_path)}
    stop.leave_interrupts_to_the_chat()
    chat = await asyncio.create_subprocess_exec(*bound_to_parent(argv, signal.SIGTERM), env=environment)
    say.into(settings.data_path / TALK)
    asked = asyncio.create_task(stop.asked.wait())
    left = asyncio.create_task(chat.wait())
    try:
        await asyncio.wait((asked, left), return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        if chat.returncode is None:
            chat.terminate()
        await left
        say.into(None)
        stop.listen()
    say("the chat has ended: stopping")
