"""A child process under supervision: ready, restarted, given up, stopped, and what an earlier run left."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from actors.embedded.directory import prepare
from actors.embedded.errors import ServerUnavailable
from actors.embedded.leftover import names_directory
from actors.embedded.process import (
    ChildProcess,
    Command,
    Liveness,
    ProcessState,
    RestartPolicy,
    plain_environment,
)

QUICK = RestartPolicy(first_delay=0.01, longest_delay=0.05, exits=3, window=10.0, pause=1.0)
WATCHED = Liveness(every=0.05, misses=3)
SERVES = 'touch "$0/ready"; exec sleep 60'
LOOP = "while :; do sleep 0.05; done"


async def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.01)


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def another(script: str, argument: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sh", "-c", script, argument])


class Started:
    """Makes children that run a shell script, whose `$0` is the data directory."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.said: list[str] = []
        self.made: list[ChildProcess] = []

    def __call__(self, script: str, *, ready_timeout: float = 10.0) -> ChildProcess:
        async def ready() -> bool:
            return (self.data / "ready").exists()

        command = Command("sample", ("sh", "-c", script, str(self.data)), self.data, plain_environment())
        child = ChildProcess(command, ready, ready_timeout, QUICK, WATCHED, self.said.append)
        self.made.append(child)
        return child


@pytest.fixture
async def child(tmp_path: Path) -> AsyncIterator[Started]:
    prepare(tmp_path)
    started = Started(tmp_path)
    yield started
    for one in started.made:
        await one.stop(grace=1.0)


async def test_is_ready_when_the_probe_says_so_and_gone_after_stop(child: Started) -> None:
    server = child(SERVES)
    await server.start()
    pid = server.pid
    assert server.state is ProcessState.READY
    assert server.command.pid_file.read_text() == str(pid)
    await server.stop()
    assert server.state is ProcessState.STOPPED
    assert pid is not None
    assert not exists(pid)
    assert not server.command.pid_file.exists()


async def test_one_that_ends_before_it_is_ready_is_unavailable_with_its_last_words(child: Started) -> None:
    server = child("echo no such thing as luck >&2; exit 7")
    with pytest.raises(ServerUnavailable, match=r"(?s)ended with code 7.*no such thing as luck"):
        await server.start()
    assert server.state is ProcessState.STOPPED


async def test_one_that_never_gets_ready_is_ended(child: Started) -> None:
    server = child("exec sleep 60", ready_timeout=0.1)
    with pytest.raises(ServerUnavailable, match=r"was not ready within 0\.1 s"):
        await server.start()
    assert server.pid is None


async def test_a_killed_one_is_started_again(child: Started) -> None:
    server = child(SERVES)
    await server.start()
    first = server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: server.state is ProcessState.READY and server.pid not in {None, first})
    assert any("ended with code -9, starting it again" in line for line in child.said)
    assert any(f"serves again (pid {server.pid})" in line for line in child.said)


async def test_one_that_hangs_is_killed_and_started_again(child: Started) -> None:
    server = child(SERVES)
    await server.start()
    first = server.pid
    assert first is not None
    (child.data / "ready").unlink()  # the probe says no from now on; the next life makes it again
    await eventually(lambda: server.state is ProcessState.SILENT)
    assert (server.pid, server.message) == (first, "sample does not answer")
    await eventually(lambda: server.state is ProcessState.READY and server.pid not in {None, first})
    assert any("did not answer 3 times in a row and was killed" in line for line in child.said)


async def test_one_that_misses_a_question_is_left_alone(child: Started) -> None:
    server = child(SERVES)
    server.liveness = Liveness(every=0.05, misses=1_000)
    await server.start()
    first = server.pid
    (child.data / "ready").unlink()
    await eventually(lambda: server.state is ProcessState.SILENT)
    (child.data / "ready").touch()
    await eventually(lambda: server.state is ProcessState.READY)
    assert (server.pid, server.message) == (first, "")


async def test_a_probe_that_raises_is_a_no_and_the_supervision_goes_on(child: Started) -> None:
    server = child(SERVES)
    await server.start()
    first, answers = server.pid, server.probe

    async def broken() -> bool:
        if server.pid == first:
            raise KeyError("a strange answer")
        return await answers()

    server.probe = broken
    await eventually(lambda: server.state is ProcessState.READY and server.pid not in {None, first})


async def test_a_crash_loop_is_reported_once_with_the_log_and_passes_by_itself(child: Started) -> None:
    script = 'echo again >> "$0/starts"; [ -e "$0/better" ] && { touch "$0/ready"; exec sleep 60; }; '
    server = child(script + 'touch "$0/ready"; echo out of cheese >&2; sleep 0.1; exit 3')
    await server.start()
    await eventually(lambda: server.state is ProcessState.CRASH_LOOP)
    assert "ended 3 times within 10 s, is tried again every 1 s" in server.message
    assert "out of cheese" in server.message
    assert (child.data / "starts").read_text().count("again") == 3
    at = time.monotonic()
    (child.data / "better").touch()
    await eventually(lambda: server.state is ProcessState.READY)
    assert time.monotonic() - at > 0.5 * QUICK.pause
    assert (child.data / "starts").read_text().count("again") == 4
    assert sum("is tried again" in line for line in child.said) == 1


async def test_one_whose_log_cannot_be_written_is_started_all_the_same(child: Started) -> None:
    server = child(SERVES)
    server.command.log_file.mkdir()
    await server.start()
    assert server.state is ProcessState.READY


async def test_a_restart_that_cannot_get_ready_counts_as_an_exit(child: Started) -> None:
    server = child('touch "$0/ready"; rm "$0/ready.not" 2>/dev/null; exec sleep 60', ready_timeout=0.2)
    await server.start()
    (child.data / "ready").unlink()
    (child.data / "ready").symlink_to(child.data / "nowhere" / "missing")  # touch fails, the probe says no
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await eventually(lambda: server.state is ProcessState.CRASH_LOOP)
    assert server.pid is None


async def test_one_that_ignores_the_stop_signal_is_killed(child: Started) -> None:
    server = child('trap "" TERM; touch "$0/ready"; while :; do sleep 1; done')
    await server.start()
    pid = server.pid
    await server.stop(grace=0.1)
    assert pid is not None
    assert not exists(pid)


async def test_stopping_while_a_restart_waits_leaves_nothing(child: Started) -> None:
    server = child(SERVES)
    server.restart = RestartPolicy(first_delay=60.0, longest_delay=60.0)
    await server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await eventually(lambda: server.state is ProcessState.RESTARTING)
    await server.stop()
    assert (server.pid, server.state) == (None, ProcessState.STOPPED)


async def test_what_an_earlier_run_left_is_ended(child: Started) -> None:
    server = child(SERVES)
    left = another(f'trap "exit 0" TERM; {LOOP}', str(child.data))
    await eventually(lambda: names_directory(left.pid, child.data))
    server.command.pid_file.write_text(str(left.pid))
    await server.start()
    assert left.wait(timeout=5) in (0, -signal.SIGTERM)  # by its trap, or before the trap was set
    assert any(f"(pid {left.pid}), left behind by an earlier run" in line for line in child.said)


async def test_a_pid_that_belongs_to_somebody_else_now_is_left_alone(child: Started, tmp_path: Path) -> None:
    server = child(SERVES)
    other = another(LOOP, f"{tmp_path}-of-somebody-else")
    try:
        server.command.pid_file.write_text(str(other.pid))
        await server.start()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


async def test_a_large_log_is_set_aside(child: Started) -> None:
    server = child("echo new words; " + SERVES)
    server.command.log_file.write_bytes(b"x" * (10 * 2**20 + 1))
    await server.start()
    assert server.command.log_file.read_text() == "new words\n"
    assert server.command.log_file.with_name("sample.log.1").stat().st_size == 10 * 2**20 + 1


def test_secrets_of_ours_do_not_reach_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_AUTH__JWT_SECRET", "hidden")
    assert "COPILOT_AUTH__JWT_SECRET" not in plain_environment()


def test_delays_double_up_to_the_longest() -> None:
    policy = RestartPolicy(first_delay=0.2, longest_delay=10.0)
    for exits, longest in ((1, 0.2), (2, 0.4), (4, 1.6), (20, 10.0)):
        assert 0.75 * longest <= policy.delay(exits) <= longest


async def test_a_command_line_names_a_directory_only_as_a_whole(tmp_path: Path) -> None:
    arguments = [f"{tmp_path}2", str(tmp_path), f"--dir={tmp_path}/x", f"{tmp_path}/x"]
    processes = [another(LOOP, argument) for argument in arguments]
    try:
        await eventually(lambda: all(names_directory(one.pid, tmp_path) for one in processes[1:]))
        assert not names_directory(processes[0].pid, tmp_path)
    finally:
        for process in processes:
            process.kill()
            process.wait()
