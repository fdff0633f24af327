"""The copilot as a user starts it: `copilot up` in a process of its own, stopped by its signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.classifiers import SHARED
from tests.support.servers import SHARED_PACKAGES, data_directory

START_SECONDS = 240.0
STOP_SECONDS = 60.0


@dataclass(frozen=True)
class Copilot:
    """A running system: its data directory, and the addresses of `copilot status --json`."""

    data: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path

    def state(self) -> dict[str, Any]:
        return json.loads((self.data / "run" / "copilot.json").read_text())

    def address(self, name: str) -> str:
        return self.state()["addresses"][name]

    def run(self, *arguments: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """`copilot <arguments>` on this system."""
        return subprocess.run(
            [sys.executable, "-m", "actors.cli.main", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )


@contextmanager
def running_copilot(*arguments: str, data: Path | None = None, **environment: str) -> Iterator[Copilot]:
    """`copilot up <arguments>` on free ports, with the given COPILOT_* values."""
    with data_directory() as temporary:
        folder = data or temporary
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COPILOT_")}
        env = {
            **clean,
            **SHARED,
            "COPILOT_DATA_DIR": str(folder),
            "COPILOT_SERVER__PORT": "0",
            "COPILOT_SERVER__GRPC_PORT": "0",
            "COPILOT_NATS__PORT": "0",
            **environment,
        }
        _share_packages(folder)
        log = folder / "up.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "actors.cli.main", "up", *arguments],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_ready(process, folder, log)
            yield Copilot(folder, env, process, log)
        finally:
            _stop(process)


def _share_packages(data: Path) -> None:
    """Debian's packages are fetched once a machine, not once a data directory."""
    SHARED_PACKAGES.mkdir(parents=True, exist_ok=True)
    link = data / "packages"
    if not link.exists():
        link.symlink_to(SHARED_PACKAGES)


def _wait_until_ready(process: subprocess.Popen[bytes], data: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while _ready_pid(data) != process.pid:
        assert process.poll() is None, f"copilot up ended:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"copilot up is not ready:\n{log.read_text()}"
        time.sleep(0.05)


def _ready_pid(data: Path) -> int | None:
    """Whose state file it is; one of an earlier life may still lie there."""
    path = data / "run" / "copilot.json"
    return json.loads(path.read_text())["pid"] if path.exists() else None


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
