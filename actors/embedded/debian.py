"""Programs of Debian packages, used from where they are unpacked: installing would start a system service.

Needs no root: `apt-get download` takes a package that apt's lists name (private lists where the system has
none), apt checks its hash against the signed lists, `dpkg-deb -x` unpacks it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.embedded.errors import ServerUnavailable
from actors.embedded.process import Say
from actors.embedded.tool import ToolFailed, run

FETCH_SECONDS = 300.0
ENVIRONMENT: Mapping[str, str] = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
PATIENCE = ("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20")


@dataclass(frozen=True, slots=True)
class DebianPackage:
    """`binaries` are names in /usr/bin; `remedy` completes "… is not available (why): <remedy>"."""

    name: str
    binaries: tuple[str, ...]
    remedy: str

    def found(self, packages: Path) -> Mapping[str, Path] | None:
        """The binaries by name, on the PATH or unpacked below `packages`; None where one is missing."""
        return self._on_path() or self._unpacked(packages / self.name)

    async def obtain(self, packages: Path, say: Say) -> Mapping[str, Path]:
        """The binaries by name, fetched when they are not there. Raises ServerUnavailable, in one line."""
        found = self.found(packages)
        if found:
            return found
        try:
            async with _locked(packages / f".{self.name}.lock"):
                return self.found(packages) or await self._fetch(packages, say)
        except (ToolFailed, OSError, TimeoutError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ServerUnavailable(
                self.name, f"{self.name} is not available ({reason}): {self.remedy}"
            ) from error

    def _on_path(self) -> Mapping[str, Path] | None:
        found = {name: shutil.which(name) for name in self.binaries}
        paths = {name: Path(path) for name, path in found.items() if path}
        return paths if len(paths) == len(self.binaries) else None

    def _unpacked(self, root: Path) -> Mapping[str, Path] | None:
        paths = {name: root / "usr" / "bin" / name for name in self.binaries}
        return paths if all(os.access(path, os.X_OK) for path in paths.values()) else None

    async def _fetch(self, packages: Path, say: Say) -> Mapping[str, Path]:
        say(f"fetching Debian's package {self.name}")
        with tempfile.TemporaryDirectory(prefix=f".{self.name}.", dir=packages) as name:
            partial = Path(name)
            archive = await self._download(partial, say)
            await _run("dpkg-deb", "-x", str(archive), str(partial / "root"), cwd=partial)
            unpacked = self._unpacked(partial / "root")
            if unpacked is None:
                raise ToolFailed("dpkg-deb", f"found no {' or '.join(self.binaries)} in {archive.name}", "")
            for binary in unpacked.values():
                await _run(str(binary), "--version", cwd=partial)  # runs here: its libraries are there
            shutil.rmtree(packages / self.name, ignore_errors=True)
            (partial / "root").rename(packages / self.name)
        found = self._unpacked(packages / self.name)
        assert found is not None, "renamed while the lock is held"  # noqa: S101
        return found

    async def _download(self, partial: Path, say: Say) -> Path:
        try:
            await _apt_get("download", self.name, cwd=partial)
        except ToolFailed:
            say("updating private package lists: the system's do not have it")
            await self._download_with_private_lists(partial)
        return _archive(partial)

    async def _download_with_private_lists(self, partial: Path) -> None:
        places: list[str] = []
        for option, folder in (("Dir::State::lists", "lists"), ("Dir::Cache", "cache")):
            (partial / folder / "partial").mkdir(parents=True)
            places += ("-o", f"{option}={partial / folder}")
        problem: ToolFailed | None = None
        try:
            await _apt_get(*places, "-o", "APT::Update::Error-Mode=any", "update", cwd=partial)
        except ToolFailed as error:
            problem = error  # one unreachable source of several is enough; ours may be among the others
        try:
            await _apt_get(*places, "download", self.name, cwd=partial)
        except ToolFailed as error:
            raise problem or error from error


def _archive(directory: Path) -> Path:
    archive = next(directory.glob("*.deb"), None)
    if archive is None:
        raise ToolFailed("apt-get", "downloaded nothing", "")
    return archive


async def _apt_get(*arguments: str, cwd: Path) -> None:
    # As root apt would change to an account of its own, which cannot write here.
    sandbox = ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()
    await _run("apt-get", "-q", *PATIENCE, *sandbox, *arguments, cwd=cwd)


async def _run(command: str, *arguments: str, cwd: Path) -> None:
    program = shutil.which(command)
    if program is None:
        raise ToolFailed(command, "is not on the PATH", "")
    environment = {**ENVIRONMENT, **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}}
    await run(program, *arguments, env=environment, cwd=cwd, timeout=FETCH_SECONDS)


@asynccontextmanager
async def _locked(path: Path) -> AsyncGenerator[None]:
    """Waits for its turn, FETCH_SECONDS at most: two starts at once fetch a package once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _take_turn(descriptor, time.monotonic() + FETCH_SECONDS)
        yield
    finally:
        os.close(descriptor)


async def _take_turn(descriptor: int, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise TimeoutError("another process has been fetching it for too long") from None
        else:
            return
        await asyncio.sleep(0.1)
