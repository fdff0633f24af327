"""Directories of the embedded servers below the data directory: who may enter, and who holds them."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from actors.embedded.account import Account
from actors.embedded.errors import DataDirectoryInUse, DataDirectoryUnusable

LONGEST_SOCKET_DIRECTORY_BYTES = 90  # of the 107 that a socket's address may have; the rest is the file's name


def prepare(data: Path) -> None:
    """Makes the data directory. As root others may pass through, since PostgreSQL refuses to run as root."""
    if not data.exists():
        data.mkdir(parents=True)
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    for name in ("logs", "run"):
        private(data / name)


@contextmanager
def held(data: Path) -> Generator[None]:
    """Holds the data directory for this process.

    Raises DataDirectoryInUse, which names the holder, or DataDirectoryUnusable.
    """
    try:
        prepare(data)
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DataDirectoryUnusable(data, error) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataDirectoryInUse(data, _pid(os.pread(descriptor, 20, 0))) from error
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def private(path: Path, account: Account | None = None) -> Path:
    """`path` as a directory that only its owner may enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    if account is not None and path.stat().st_uid != account.uid:
        os.chown(path, account.uid, account.gid)
    return path


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read, whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    partial.replace(path)


def socket_directory(data: Path, name: str, account: Account | None = None) -> Path:
    """A private directory for sockets: `<data>/<name>/socket`, or one below /tmp when that is too long."""
    inside = data / name / "socket"
    if len(os.fsencode(inside)) <= LONGEST_SOCKET_DIRECTORY_BYTES:
        return private(inside, account)
    recorded = _recorded_elsewhere(data, name, account)
    if recorded is not None:
        return recorded
    elsewhere = private(Path(tempfile.mkdtemp(prefix=f"copilot-{name}-", dir="/tmp")), account)
    _record(data, name).write_text(str(elsewhere), encoding="utf-8")
    return elsewhere


def release_socket_directory(data: Path, name: str) -> None:
    """Removes what socket_directory made outside the data directory."""
    elsewhere = _read_record(data, name)
    if elsewhere is not None:
        shutil.rmtree(elsewhere, ignore_errors=True)
        _record(data, name).unlink()


def _record(data: Path, name: str) -> Path:
    return data / "run" / f"{name}.socket-directory"


def _read_record(data: Path, name: str) -> Path | None:
    try:
        return Path(_record(data, name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _recorded_elsewhere(data: Path, name: str, account: Account | None) -> Path | None:
    """The directory of an earlier start, unless somebody else put another in its place meanwhile."""
    path = _read_record(data, name)
    if path is None or not path.exists():
        return None
    found = path.lstat()
    owner = os.geteuid() if account is None else account.uid
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == 0o700
    return path if ours else None


def _pid(text: bytes) -> int:
    return int(text) if text.isdigit() else 0
