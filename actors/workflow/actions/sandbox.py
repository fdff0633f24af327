"""Runs one command shut in: user, network, processes, files of its own where the machine offers them; limits."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from actors.workflow.actions import cell
from actors.workflow.actions.command_asks import LARGEST_OUTPUT_BYTES, CommandAnswer, Isolation
from schemas.errors import DeadlineExceeded, Unavailable

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Limits:
    """By the names of setrlimit(2): seconds of CPU, bytes of address space, of each file and of a core dump, open
    files, processes."""

    cpu: int
    rlimit_as: int
    fsize: int = 64 << 20
    nofile: int = 256
    nproc: int = 64
    core: int = 0

    def by_name(self) -> dict[str, int]:
        return {name.removeprefix("rlimit_"): value for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Cell:
    """A command, and what it finds: its input, its variables, files in its directory."""

    command: Sequence[str]
    stdin: bytes
    environment: Mapping[str, str]
    files: Mapping[str, str]
    limits: Limits

    async def run(self, seconds: float) -> CommandAnswer:
        """Raises DeadlineExceeded, with everything ended, when it takes longer; Unavailable where it cannot be
        shut in. A cancelled call ends it too."""
        directory = await asyncio.to_thread(self._furnish)
        try:
            with ExitStack() as files:
                return await self._run(directory, _Files.of(files, self.stdin), seconds)
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True))

    async def _run(self, directory: Path, files: _Files, seconds: float) -> CommandAnswer:
        started = time.monotonic()
        process = self._start(directory, files)
        try:
            async with asyncio.timeout(seconds):
                await _exited(process.pid)
        except TimeoutError as late:
            raise DeadlineExceeded(f"{self.command[0]} took longer than {seconds:.3g} s and was ended") from late
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it left behind, if anything
            process.wait()
        return self._answer(process.returncode, files, time.monotonic() - started)

    def _start(self, directory: Path, files: _Files) -> subprocess.Popen[bytes]:
        """In the thread that asks: the kernel ends the command together with the thread that started it."""
        with ExitStack() as stack:
            specification = _memory(stack, self._specification(directory, files.report))
            return subprocess.Popen(
                [sys.executable, "-I", "-S", cell.__file__, str(specification)],
                stdin=files.stdin,
                stdout=files.stdout,
                stderr=files.stderr,
                env={},
                cwd="/",
                pass_fds=(specification, files.report),
                start_new_session=True,
            )

    def _answer(self, code: int, files: _Files, seconds: float) -> CommandAnswer:
        (stdout, more_out), (stderr, more_error) = _kept(files.stdout), _kept(files.stderr)
        isolation, _ = _kept(files.report)
        if not isolation:
            raise Unavailable(f"the command cannot be shut in: {stderr[-500:]}")
        return CommandAnswer(
            exit_code=code if code >= 0 else 128 - code,
            stdout=stdout,
            stderr=stderr,
            truncated=more_out or more_error,
            seconds=round(seconds, 6),
            isolation=Isolation.model_validate_json(isolation),
        )

    def _specification(self, directory: Path, report: int) -> bytes:
        own = {"PATH": PATH, "HOME": str(directory), "TMPDIR": str(directory), "LANG": "C.UTF-8"}
        return json.dumps(
            {
                "command": list(self.command),
                "environment": {**own, **self.environment},
                "directory": str(directory),
                "limits": self.limits.by_name(),
                "report": report,
            }
        ).encode()

    def _furnish(self) -> Path:
        directory = Path(tempfile.mkdtemp(prefix="copilot-step-"))
        for name, text in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam(cell.UNPRIVILEGED)
            for path in (directory, *directory.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        return directory


@dataclass(frozen=True, slots=True)
class _Files:
    """What the command reads and writes, in memory: descriptors. A pipe would have to be emptied while it runs,
    and be held open by what it leaves behind; here the limit of a file's size is that of its output too."""

    stdin: int
    stdout: int
    stderr: int
    report: int

    @classmethod
    def of(cls, stack: ExitStack, given: bytes) -> _Files:
        return cls(_memory(stack, given), _memory(stack), _memory(stack), _memory(stack))


def _memory(stack: ExitStack, content: bytes = b"") -> int:
    descriptor = os.memfd_create("cell")
    stack.callback(os.close, descriptor)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _kept(descriptor: int) -> tuple[str, bool]:
    """The beginning, and whether there is more."""
    raw = os.pread(descriptor, LARGEST_OUTPUT_BYTES, 0)
    return raw.decode("utf-8", "replace"), os.fstat(descriptor).st_size > LARGEST_OUTPUT_BYTES


async def _exited(pid: int) -> None:
    """Waits for the end of a child without taking its outcome, and without a thread."""
    descriptor = os.pidfd_open(pid)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
