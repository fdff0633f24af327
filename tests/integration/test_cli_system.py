"""The commands against a system that they started themselves, as a person would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.running import find
from tests.support.classifiers import SHARED
from tests.support.servers import data_directory

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
COPILOT = (sys.executable, "-m", "actors.cli.main")
UP = ("up", "--runtime", "local", "--no-demo", "--detach")


class Shell:
    """Runs commands on a data directory, with ports of its own and no Prometheus."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COPILOT_")},
            **SHARED,
            "COPILOT_DATA_DIR": str(data),
            "COPILOT_SERVER__PORT": "0",
            "COPILOT_SERVER__GRPC_PORT": "0",
            "COPILOT_NATS__PORT": "0",
            "COPILOT_OBSERVATORY__PROMETHEUS_URL": "http://127.0.0.1:9",
        }

    def __call__(self, *arguments: str, input: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COPILOT, *arguments],
            env=self.environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def pid(self) -> int:
        running = find(self.data)
        assert running is not None
        return running.pid

    def left(self) -> list[str]:
        """Command lines of processes that still name the directory."""
        lines: list[str] = []
        for entry in Path("/proc").iterdir():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(self.data) in line:
                lines.append(line)
        return lines


@pytest.fixture
def shell() -> Iterator[Shell]:
    with data_directory() as data:
        shell = Shell(data)
        try:
            yield shell
        finally:
            if find(data) is not None:
                shell("down")


def until(what: str, holds: object, seconds: float = 30.0) -> None:
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_up_status_ask_scale_and_down(shell: Shell) -> None:
    started = shell(*UP)
    assert started.returncode == 0, started.stderr
    assert "starting PostgreSQL" in started.stderr, "progress"
    assert "The copilot is ready." in started.stdout
    assert "`copilot down` stops it" in started.stdout

    again = shell("up")
    assert again.returncode == 1
    assert f"pid {shell.pid()}" in again.stderr

    status = shell("status", "--json")
    assert status.returncode == 0, status.stdout + status.stderr
    report = json.loads(status.stdout)
    assert report["ready"] is True
    assert set(report["addresses"]) == {"http", "grpc", "nats", "postgresql", "redis", "prometheus", "shop"}
    assert {one["kind"] for one in report["processes"]} == {
        "supervisor", "gateway", "nats", "postgresql", "valkey", "actor",
    }  # fmt: skip
    assert all({"kind", "pool", "pid"} <= set(one) for one in report["processes"])
    password = (shell.data / "nats" / "internal.password").read_text(encoding="utf-8")
    assert password not in status.stdout

    shown = json.loads(shell("config", "show", "--json").stdout)
    assert shown["addresses"] == report["addresses"]
    assert {one["pid"] for one in shown["processes"]} == {one["pid"] for one in report["processes"]}

    asked = shell("ask", "--json", "What can you do?")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["intent"]["name"] == "help"
    chatted = shell("chat", input="What can you do?\n")
    assert chatted.returncode == 0, chatted.stderr
    assert json.loads(asked.stdout)["content"].splitlines()[0] in chatted.stdout

    scaled = shell("scale", "nlp=2")
    assert scaled.returncode == 0, scaled.stderr
    assert "nlp-1" in scaled.stdout
    assert "nlp-1 running" in scaled.stderr
    migrated = shell("migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert "0 of them are new" in migrated.stdout

    stopped = shell("down")
    assert stopped.returncode == 0, stopped.stderr
    assert find(shell.data) is None
    assert shell.left() == []
    assert shell("status").returncode == 1


def test_after_a_kill_nothing_is_left_and_it_starts_again(shell: Shell) -> None:
    assert shell(*UP).returncode == 0
    os.kill(shell.pid(), signal.SIGKILL)
    until("the kernel ends the children", lambda: not shell.left())
    assert (shell.data / "run" / "copilot.json").exists(), "the stale file that must not mislead"
    assert "nothing runs" in shell("status").stderr
    again = shell(*UP)
    assert again.returncode == 0, again.stderr
    assert shell("status").returncode == 0


def test_a_failed_start_says_why(shell: Shell) -> None:
    (shell.data / "nats").touch()  # where a directory is wanted
    started = shell(*UP)
    assert started.returncode == 1
    assert "Traceback" not in started.stderr
    assert "it did not start, for the reason above" in started.stderr
    assert str(shell.data / "nats") in started.stderr
    assert shell.left() == []


def test_down_ends_a_start_that_is_not_ready_yet(shell: Shell) -> None:
    starting = subprocess.Popen(
        [*COPILOT, "up", "--runtime", "local", "--no-demo"],
        env=shell.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    lock = shell.data / "lock"
    until("it takes the directory", lambda: lock.exists() and lock.read_text() == str(starting.pid))
    assert find(shell.data) is None
    stopped = shell("down")
    assert stopped.returncode == 0, stopped.stderr
    _, said = starting.communicate(timeout=30)
    assert "stopped before it was ready" in said
    assert shell.left() == []
