"""Connections to PostgreSQL and the running of named queries."""

from __future__ import annotations

import asyncio
import os
import select
import socket
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.errors import DiskFull, ReadOnlySqlTransaction
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from actors.platform.config import DatabaseSettings
from actors.platform.store import migrate, queries
from actors.platform.telemetry import Telemetry
from schemas.adapters import BackendState
from schemas.errors import Unavailable
from schemas.system import PROBE_SECONDS

log = structlog.get_logger(__name__)

Row = DictRow
NAME = "postgresql"
DISK_FULL = "the database cannot store anything: its disk is full"
CHECKOUT_SECONDS = 5.0  # a request waits this long for a free connection
STATEMENT_SECONDS = 15.0  # longer than any request's deadline; then its connection is cut
RECONNECT_SECONDS = 2.0  # the pool gives up after this; the next request begins anew
FULL_SECONDS = 5.0  # a disk that was full this recently is taken to be full still


class Transaction:
    def __init__(self, queries: Mapping[str, LiteralString], connection: AsyncConnection[Row]) -> None:
        self._queries = queries
        self._connection = connection

    async def all(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        cursor = await self._connection.execute(self._queries[name], params)
        return await cursor.fetchall() if cursor.description else []


class Database:
    """One room's view of PostgreSQL. `path` is the room's `queries.sql`, `shared` those of the platform that it
    uses too."""

    def __init__(
        self, settings: DatabaseSettings, path: Path, telemetry: Telemetry, shared: tuple[Path, ...] = ()
    ) -> None:
        self._queries: Mapping[str, LiteralString] = {
            name: queries.bare(text) for name, text in queries.load(path, *shared).items()
        }
        self._settings = settings
        self._seconds = telemetry.histogram(
            "copilot_store_seconds", "One statement, or one grouped transaction.", ("query",)
        )
        self._pool = AsyncConnectionPool(
            settings.url,
            connection_class=AsyncConnection[Row],
            min_size=1,
            max_size=settings.max_connections,
            open=False,
            timeout=CHECKOUT_SECONDS,
            kwargs={"row_factory": dict_row, "autocommit": True, "connect_timeout": 3},
            check=_check_silent,
            reconnect_timeout=RECONNECT_SECONDS,
        )
        self._probe: asyncio.Task[BackendState] | None = None
        self._full_at = -FULL_SECONDS

    async def open(self, waits: Callable[[str], None] | None = None) -> None:
        """Waits for the server and for a schema at this code's version, and says what it waits for."""
        await self._pool.open(wait=False)
        said = ""
        while True:
            missing = await self._missing()
            if not missing:
                return
            if missing != said:
                (waits or _say)(missing)
                said = missing
            await asyncio.sleep(0.2)

    async def close(self) -> None:
        if self._probe is not None:
            self._probe.cancel()
        await self._pool.close()

    async def all(self, name: str, params: Mapping[str, Any]) -> list[Row]:
        """Runs one named query in a transaction of its own. Raises Unavailable when the server is away."""
        started = time.perf_counter()
        async with self.connection() as connection:
            cursor = await connection.execute(self._queries[name], params)
            rows = await cursor.fetchall() if cursor.description else []
        self._seconds.labels(name).observe(time.perf_counter() - started)
        return rows

    async def one(self, name: str, params: Mapping[str, Any]) -> Row | None:
        rows = await self.all(name, params)
        return rows[0] if rows else None

    async def run(self, name: str, params: Mapping[str, Any]) -> None:
        await self.all(name, params)

    async def batch(self, statements: list[tuple[str, Mapping[str, Any]]]) -> list[list[Row]]:
        """All of them in one transaction; the rows of each, in order. One alone is a transaction already."""
        if len(statements) == 1:
            return [await self.all(*statements[0])]
        started = time.perf_counter()
        async with self.connection() as connection:
            async with connection.pipeline(), connection.transaction():
                cursors = [await connection.execute(self._queries[name], params) for name, params in statements]
            # Only now, after BEGIN … COMMIT went out together, are the answers there.
            rows = [await cursor.fetchall() if cursor.description else [] for cursor in cursors]
        self._seconds.labels("batch").observe(time.perf_counter() - started)
        return rows

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Statements one after another in one transaction, for what must be looked at between them. Raises
        Unavailable when the server is away."""
        async with self.connection() as connection, connection.transaction():
            yield Transaction(self._queries, connection)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[AsyncConnection[Row]]:
        try:
            async with self._pool.connection() as connection:
                with _patience(connection):
                    yield connection
        except DiskFull as error:
            self._full_at = time.monotonic()
            raise Unavailable(DISK_FULL, after=FULL_SECONDS) from error
        except ReadOnlySqlTransaction as error:
            raise Unavailable("the database is read-only at the moment", after=1.0) from error
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database does not answer", after=1.0) from error

    async def state(self) -> BackendState:
        """One probe, within PROBE_SECONDS. One that hangs is left to itself: cancelling waits for the server."""
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._probed())
        done, _ = await asyncio.wait((self._probe,), timeout=PROBE_SECONDS)
        return self._probe.result() if done else _down(f"no answer within {PROBE_SECONDS:g} s")

    async def _probed(self) -> BackendState:
        started = time.perf_counter()
        try:
            async with self.connection() as connection:
                await connection.execute("SELECT 1")
        except Unavailable as error:
            return _down(error.detail)
        if time.monotonic() - self._full_at < FULL_SECONDS:
            return _down(DISK_FULL)  # reading works on
        latency = (time.perf_counter() - started) * 1000
        return BackendState(name=NAME, status="up", latency_ms=round(latency, 2))

    async def _missing(self) -> str:
        try:
            async with self.connection() as connection:
                pending = await migrate.pending(connection)
        except Unavailable:
            return "PostgreSQL"
        return f"migrations {', '.join(pending)} (run: copilot migrate)" if pending else ""


def _say(what: str) -> None:
    log.warning("store.waiting", waits_for=what)


def _down(message: str) -> BackendState:
    return BackendState(name=NAME, status="down", message=message)


async def _check_silent(connection: AsyncConnection[Row]) -> None:
    """An idle connection has nothing to read: one that has was closed by its server. Found out here, without a
    round trip, it costs nobody's request. Raises OperationalError."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await connection.close()  # the pool would take it back otherwise
        raise psycopg.OperationalError("the server has closed this connection")


@contextmanager
def _patience(connection: AsyncConnection[Row]) -> Generator[None]:
    """Cuts the connection of a statement that a hanging server never answers. A timeout would not do: cancelling
    asks that same server, and waits for it."""
    timer = asyncio.get_running_loop().call_later(STATEMENT_SECONDS, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: AsyncConnection[Row]) -> None:
    log.warning("store.cut", after_seconds=STATEMENT_SECONDS)
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as stream:
            stream.shutdown(socket.SHUT_RDWR)
