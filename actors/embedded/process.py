"""A server as a supervised child process: started, watched, started again, stopped, and never left behind."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from actors.embedded.account import Account, bound_to_parent
from actors.embedded.errors import ServerUnavailable
from actors.embedded.leftover import end_leftover

Probe = Callable[[], Awaitable[bool]]
Say = Callable[[str], None]

LARGEST_LOG_BYTES = 10 * 2**20
PROBE_SECONDS = 2.0
POLL_SECONDS = 0.02

log = logging.getLogger(__name__)


class ProcessState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    SILENT = "silent"
    RESTARTING = "restarting"
    CRASH_LOOP = "crash_loop"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Delays double from `first_delay` to `longest_delay` seconds. `exits` within `window` seconds are a crash
    loop: it is reported, and from then on one start is tried every `pause` seconds, so that what passes by
    itself, such as a full disk, needs no hand afterwards."""

    first_delay: float = 0.2
    longest_delay: float = 10.0
    exits: int = 5
    window: float = 60.0
    pause: float = 10.0

    def delay(self, exits: int) -> float:
        """Seconds to wait after the `exits`-th exit within the window, with up to a quarter of jitter."""
        plain = min(self.longest_delay, self.first_delay * 2.0 ** (exits - 1))
        return plain * random.uniform(0.75, 1.0)  # noqa: S311 (spreads restarts, guards no secret)


@dataclass(frozen=True, slots=True)
class Liveness:
    """One that serves is probed every so many seconds; after `misses` in a row it hangs, and is killed.

    Counted in probes and not in seconds: while this process itself is stopped, nobody else is to blame.
    """

    every: float = 1.0
    misses: int = 4


@dataclass(frozen=True, slots=True)
class Command:
    """What to run. `argv` must name the data directory: that is how a leftover is recognised as ours."""

    name: str
    argv: tuple[str, ...]
    data: Path
    env: Mapping[str, str]
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None

    @property
    def log_file(self) -> Path:
        return self.data / "logs" / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.data / "run" / f"{self.name}.pid"


def plain_environment() -> dict[str, str]:
    """What a server needs of our environment; the copilot's secrets are not among it."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "TZ") if name in os.environ}


async def _nothing() -> None:
    return


@dataclass(slots=True)
class ChildProcess:
    """`probe` answers whether the server serves; OSError and a time-out of 2 s count as no.

    `before_spawn` runs before each start, the restarts included. Start it from the event loop of the main
    thread: the kernel ends the server together with the thread that started it.
    """

    command: Command
    probe: Probe
    ready_timeout: float = 30.0
    restart: RestartPolicy = field(default_factory=RestartPolicy)
    liveness: Liveness = field(default_factory=Liveness)
    say: Say = log.warning
    before_spawn: Callable[[], Awaitable[None]] = _nothing
    state: ProcessState = field(default=ProcessState.STOPPED, init=False)
    message: str = field(default="", init=False)
    _child: asyncio.subprocess.Process | None = field(default=None, init=False)
    _supervision: asyncio.Task[None] | None = field(default=None, init=False)
    _exits: deque[float] = field(default_factory=deque[float], init=False)

    @property
    def name(self) -> str:
        return self.command.name

    @property
    def pid(self) -> int | None:
        """None while nothing runs."""
        return self._child.pid if self._child is not None and self._child.returncode is None else None

    async def start(self) -> None:
        """Returns when the server serves. Raises ServerUnavailable with the end of its log when it does not."""
        self.state = ProcessState.STARTING
        leftover = await end_leftover(self.command.pid_file, self.command.data, self.command.stop_signal)
        if leftover:
            self.say(f"ended {self.name} (pid {leftover}), left behind by an earlier run")
        try:
            await self._spawn()
            await self._become_ready()
        except BaseException:
            await self.stop()
            raise
        self._supervision = asyncio.create_task(self._supervise(), name=f"supervise {self.name}")

    async def stop(self, grace: float = 10.0) -> None:
        """The stop signal, after `grace` seconds SIGKILL; returns when the process is gone."""
        if self._supervision is not None:
            self._supervision.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervision
            self._supervision = None
        await self._end(grace)
        self.command.pid_file.unlink(missing_ok=True)
        self.state = ProcessState.STOPPED

    async def _spawn(self) -> None:
        await self.before_spawn()
        command = self.command
        with _open_log(command.log_file) as output:
            self._child = await asyncio.create_subprocess_exec(
                *bound_to_parent(command.argv, command.stop_signal, command.account),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(command.env),
                cwd=command.cwd,
                start_new_session=True,  # a Ctrl-C at the terminal is for the parent, which stops us in order
            )
        self._note_pid(self._child.pid)

    def _note_pid(self, pid: int) -> None:
        try:
            self.command.pid_file.write_text(str(pid), encoding="utf-8")
        except OSError as error:
            # Only a later start that finds this one left behind would want it; serving matters more.
            log.warning("the pid of %s cannot be written: %s", self.name, error)

    async def _become_ready(self) -> None:
        child = self._child
        assert child is not None, "called after _spawn only"  # noqa: S101
        ended = asyncio.ensure_future(child.wait())
        deadline = time.monotonic() + self.ready_timeout
        try:
            while not ended.done():
                if await self._probed() and not ended.done():
                    self.state, self.message = ProcessState.READY, ""
                    return
                if time.monotonic() > deadline:
                    raise self._unavailable(f"was not ready within {self.ready_timeout:g} s")
                await asyncio.wait((ended,), timeout=POLL_SECONDS)
        finally:
            ended.cancel()
        raise self._unavailable(f"ended with code {child.returncode} before it was ready")

    async def _probed(self) -> bool:
        try:
            return await asyncio.wait_for(self.probe(), PROBE_SECONDS)
        except (OSError, TimeoutError):
            return False
        except Exception:
            # Whatever an answer provokes is no sign of life, and must not end the supervision.
            log.exception("the probe of %s failed", self.name)
            return False

    async def _supervise(self) -> None:
        while True:
            how = await self._outlived()
            await asyncio.sleep(self._pause(how))
            await self._try_again()

    def _pause(self, how: str) -> float:
        """Seconds until the next start, after the exit that is told here."""
        exits, policy = self._count_exit(), self.restart
        if exits < policy.exits:
            self.state = ProcessState.RESTARTING
            self._report(f"{how}, starting it again")
            return policy.delay(exits)
        often = f"ended {exits} times within {policy.window:g} s, is tried again every {policy.pause:g} s ({how})"
        if self.state is ProcessState.CRASH_LOOP:
            self.message = self._told(often)  # said once; from then on whoever asks is told
        else:
            self.state = ProcessState.CRASH_LOOP
            self._report(often)
        return policy.pause

    async def _outlived(self) -> str:
        """Returns how this life has ended; one that does not answer any more is killed."""
        child = self._child
        assert child is not None, "supervision begins after _spawn"  # noqa: S101
        ended = asyncio.ensure_future(child.wait())
        missed = 0
        try:
            while not ended.done() and missed < self.liveness.misses:
                await asyncio.wait((ended,), timeout=self.liveness.every)
                missed = await self._count_miss(missed) if not ended.done() else missed
            if ended.done():
                return f"ended with code {child.returncode}"
            await self._end(grace=0.0)
            return f"did not answer {missed} times in a row and was killed"
        finally:
            ended.cancel()

    async def _count_miss(self, missed: int) -> int:
        if await self._probed():
            if missed:
                self.state, self.message = ProcessState.READY, ""
            return 0
        self.state, self.message = ProcessState.SILENT, f"{self.name} does not answer"
        return missed + 1

    async def _try_again(self) -> None:
        try:
            await self._spawn()
            await self._become_ready()
        except (OSError, ServerUnavailable) as error:
            log.warning("%s", error)
            await self._end(grace=0.0)  # counted as one more exit
        else:
            self.say(f"{self.name} serves again (pid {self.pid})")

    async def _end(self, grace: float) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        try:
            if grace > 0:
                with suppress(ProcessLookupError):
                    child.send_signal(self.command.stop_signal)
            await asyncio.wait_for(child.wait(), grace)
        except TimeoutError:
            with suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    def _count_exit(self) -> int:
        now = time.monotonic()
        self._exits.append(now)
        while self._exits[0] < now - self.restart.window:
            self._exits.popleft()
        return len(self._exits)

    def _report(self, what: str) -> None:
        self.message = self._told(what)
        self.say(self.message)

    def _unavailable(self, what: str) -> ServerUnavailable:
        return ServerUnavailable(self.name, self._told(what))

    def _told(self, what: str) -> str:
        return "\n  ".join((f"{self.name} {what}; end of {self.command.log_file}:", *_tail(self.command.log_file)))


def _open_log(path: Path) -> BinaryIO:
    """Appends; a log past its largest size is set aside as `<name>.log.1` first. Where it cannot be written, for
    want of disk or descriptors, the server does without."""
    try:
        if path.exists() and path.stat().st_size > LARGEST_LOG_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")
    except OSError as error:
        log.warning("%s cannot be written: %s", path, error)
        return Path(os.devnull).open("ab")


def _tail(path: Path, lines: int = 8, size: int = 4096) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
    except OSError as error:
        return [f"({error})"]
