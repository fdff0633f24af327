"""Who may enter the data directory, who holds it, and where sockets go."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from actors.embedded import ports
from actors.embedded.directory import (
    LONGEST_SOCKET_DIRECTORY_BYTES,
    held,
    prepare,
    private,
    release_socket_directory,
    socket_directory,
    write_private,
)
from actors.embedded.errors import DataDirectoryInUse, DataDirectoryUnusable, ServerUnavailable

HOLDER = """
import sys, pathlib
from actors.embedded.directory import held
with held(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_data_directory_lets_others_pass_only_as_root(tmp_path: Path) -> None:
    prepare(tmp_path / "data")
    assert mode(tmp_path / "data") == (0o711 if os.geteuid() == 0 else 0o700)
    assert mode(tmp_path / "data" / "logs") == 0o700


def test_a_second_holder_is_told_the_pid_of_the_first(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DataDirectoryInUse, match=f"in use by process {holder.pid}") as caught, held(tmp_path):
            pass
        assert caught.value.pid == holder.pid
        holder.send_signal(signal.SIGKILL)
    with held(tmp_path):  # a killed holder holds nothing
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_a_data_directory_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirectoryUnusable, match="COPILOT_DATA_DIR"), held(tmp_path / "file" / "data"):
        pass


def test_a_secret_is_readable_only_by_its_owner_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for text in ("one", "two"):
        write_private(path, text)
        assert (path.read_text(), mode(path)) == (text, 0o600)
    assert [found.name for found in tmp_path.iterdir()] == ["secret"]


def test_sockets_are_in_the_data_directory_when_the_path_is_short(tmp_path: Path) -> None:
    prepare(tmp_path)
    if len(os.fsencode(tmp_path / "valkey" / "socket")) > LONGEST_SOCKET_DIRECTORY_BYTES:
        pytest.skip("the temporary directory itself is too long here")
    assert socket_directory(tmp_path, "valkey") == tmp_path / "valkey" / "socket"
    assert mode(tmp_path / "valkey" / "socket") == 0o700


def test_sockets_of_a_long_path_go_elsewhere_again_and_again_until_released(tmp_path: Path) -> None:
    data = tmp_path / ("x" * 90)
    prepare(data)
    first = socket_directory(data, "valkey")
    try:
        assert len(os.fsencode(first)) <= LONGEST_SOCKET_DIRECTORY_BYTES
        assert mode(first) == 0o700
        assert socket_directory(data, "valkey") == first
    finally:
        release_socket_directory(data, "valkey")
    assert not first.exists()
    release_socket_directory(data, "valkey")  # nothing left to do


def test_a_socket_directory_that_others_can_enter_is_not_used_again(tmp_path: Path) -> None:
    data = tmp_path / ("x" * 90)
    prepare(data)
    first = socket_directory(data, "valkey")
    first.chmod(0o777)
    second = socket_directory(data, "valkey")
    release_socket_directory(data, "valkey")
    first.rmdir()
    assert second != first


def test_private_takes_back_what_was_opened(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir(mode=0o777)
    assert mode(private(tmp_path / "own")) == 0o700


def test_a_taken_port_is_not_chosen() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        assert ports.free(port) not in {0, port}
    assert ports.free(port) == port


async def test_a_port_that_is_taken_while_starting_is_given_up_for_another() -> None:
    tried: list[int] = []
    servers: list[socket.socket] = []

    async def start(port: int) -> None:
        tried.append(port)
        if len(tried) == 1:
            servers.append(socket.create_server((ports.LOOPBACK, port)))
            raise ServerUnavailable("sample", "address already in use")

    try:
        assert await ports.start_on_free(0, start) == tried[-1]
    finally:
        servers[0].close()
    assert len(set(tried)) == 2


async def test_a_failure_that_is_not_the_port_is_passed_on_at_once() -> None:
    tried: list[int] = []

    async def start(port: int) -> None:
        tried.append(port)
        raise ServerUnavailable("sample", "broken")

    with pytest.raises(ServerUnavailable, match="broken"):
        await ports.start_on_free(0, start)
    assert len(tried) == 1
