"""An embedded PostgreSQL with pgvector, on a private Unix socket and never as root."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from actors.embedded import postgresql_files
from actors.embedded.account import Account, unprivileged
from actors.embedded.directory import prepare, private, release_socket_directory, socket_directory
from actors.embedded.errors import ServerUnavailable
from actors.embedded.leftover import names_directory, read_pid
from actors.embedded.postgresql_files import ENVIRONMENT, Installation
from actors.embedded.process import ChildProcess, Command, Say
from actors.embedded.tool import ToolFailed, run, succeeds

DATABASE = "copilot"
ROLE = "copilot"
SUPERUSER = "postgres"
PORT = 5432  # only part of the socket's name
ORPHAN_SECONDS = 10.0

# Sized for 4 GiB shared with everything else; nothing replicates, so the log holds only what recovery needs.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "synchronous_commit": "on",
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}

log = logging.getLogger(__name__)


class PostgresServer:
    """`packages` gets a copy of the programs where the account that runs the server cannot reach them."""

    def __init__(
        self,
        data: Path,
        *,
        packages: Path | None = None,
        installation: Installation | None = None,
        say: Say = log.warning,
    ) -> None:
        self._data = data
        self._own = data / "postgresql"
        self._cluster = self._own / "data"
        self._packages = packages or data / "packages"
        self._installation = installation
        self._say = say
        self._sockets = Path()
        self.account: Account | None = None
        self.process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """For a role that owns the database and may create others, but is no superuser."""
        return self._url(ROLE, DATABASE)

    async def start(self) -> None:
        """The first start makes the cluster and the database. Raises ServerUnavailable."""
        prepare(self._data)
        self.account = await self._choose_account()
        found = self._installation or postgresql_files.installed()
        installation = await postgresql_files.reachable(found, self._packages, self.account)
        private(self._own, self.account)
        self._sockets = socket_directory(self._data, "postgresql", self.account)
        await self._make_cluster(installation)
        self.process = ChildProcess(
            self._command(installation),
            probe=self._answers,
            ready_timeout=120.0,  # recovery after a crash reads up to max_wal_size
            say=self._say,
            before_spawn=self._clear_stale_lock,
        )
        await self.process.start()
        await self._make_database()

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop(grace=30.0)
        release_socket_directory(self._data, "postgresql")

    def _url(self, role: str, database: str) -> str:
        # The port is named because PGPORT in the environment would change it otherwise.
        return f"postgresql://{role}@/{database}?host={quote(str(self._sockets), safe='')}&port={PORT}"

    async def _choose_account(self) -> Account | None:
        if os.geteuid() != 0:
            return None

        async def enters(account: Account) -> bool:
            return await succeeds("test", "-x", str(self._data), env=ENVIRONMENT, account=account)

        account = await unprivileged(enters)
        if account is None:
            raise ServerUnavailable(
                "postgresql",
                f"PostgreSQL refuses to run as root, and no unprivileged account can reach {self._data}: "
                "let others pass through (chmod o+x) or choose another directory with COPILOT_DATA_DIR, "
                "or set COPILOT_DATABASE__URL",
            )
        return account

    async def _make_cluster(self, installation: Installation) -> None:
        version = self._cluster / "PG_VERSION"
        if version.exists():
            _check_version(version, installation)
            return
        self._say("making the database")
        partial = self._own / "data.partial"  # renamed when whole: what a killed initdb leaves is never used
        shutil.rmtree(partial, ignore_errors=True)
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        trust = ("--auth=trust", f"--username={SUPERUSER}")  # only the owner of the socket's directory gets there
        initdb = (str(installation.bin / "initdb"), "-D", str(partial), *locale, *trust)
        try:
            await run(*initdb, env=ENVIRONMENT, account=self.account, cwd=self._own, timeout=300.0)
        except ToolFailed as error:
            raise ServerUnavailable("postgresql", f"the database cannot be made: {error}") from error
        partial.rename(self._cluster)

    def _command(self, installation: Installation) -> Command:
        settings = SETTINGS | {"unix_socket_directories": f'"{self._sockets}"'}
        options = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        argv = (str(installation.bin / "postgres"), "-D", str(self._cluster), *options)
        return Command(
            "postgresql",
            argv,
            self._data,
            ENVIRONMENT,
            cwd=self._own,
            stop_signal=signal.SIGINT,  # "fast shutdown": ends sessions, then writes a checkpoint
            account=self.account,
        )

    async def _answers(self) -> bool:
        if _status(self._cluster / "postmaster.pid") != "ready":
            return False  # a connection would only leave a line in the log
        try:
            connection = await psycopg.AsyncConnection.connect(self._url(SUPERUSER, "postgres"))
        except psycopg.OperationalError:
            return False
        await connection.close()
        return True

    async def _make_database(self) -> None:
        role, database = sql.Identifier(ROLE), sql.Identifier(DATABASE)
        async with await psycopg.AsyncConnection.connect(
            self._url(SUPERUSER, "postgres"), autocommit=True
        ) as connection:
            found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if await found.fetchone():
                return
            # pgvector goes into the template, so that every database made later has it without a superuser.
            async with await psycopg.AsyncConnection.connect(self._url(SUPERUSER, "template1")) as template:
                await template.execute("CREATE EXTENSION IF NOT EXISTS vector")
            known = await connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,))
            if not await known.fetchone():
                await connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
            await connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, role))

    async def _clear_stale_lock(self) -> None:
        """Waits for sessions of a killed server, then removes its lock if the pid in it is somebody else's now.

        PostgreSQL looks after a stale lock itself, except when the pid was given to another process of this
        account, as happens after a reboot: then it refuses to start.
        """
        deadline = time.monotonic() + ORPHAN_SECONDS
        while _works_in(self._cluster):
            if time.monotonic() > deadline:
                return  # PostgreSQL refuses to start, and says so
            await asyncio.sleep(0.05)
        lock = self._cluster / "postmaster.pid"
        pid = read_pid(lock)
        if pid is not None and not names_directory(pid, self._data):
            lock.unlink(missing_ok=True)


def _works_in(directory: Path) -> bool:
    """Whether a process has `directory` as its working directory, as all of a PostgreSQL server's have."""
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").samefile(directory):
                return True
        except OSError:  # ended meanwhile, or not ours to look at
            continue
    return False


def _status(lock: Path) -> str:
    """What the server says of itself in the eighth line of its lock file; empty where there is none yet."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    return lines[7].strip() if len(lines) > 7 else ""


def _check_version(version: Path, installation: Installation) -> None:
    made_by = version.read_text(encoding="utf-8").strip()
    if made_by != installation.major:
        raise ServerUnavailable(
            "postgresql",
            f"the database in {version.parent} was made by PostgreSQL {made_by}, but {installation.major} is "
            "installed: move it with pg_dump of the old version, or choose another COPILOT_DATA_DIR",
        )
