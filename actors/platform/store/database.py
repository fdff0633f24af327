"""Connections to PostgreSQL and the running of named queries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from actors.platform.config import DatabaseSettings
from actors.platform.store import migrate, queries
from actors.platform.telemetry import Telemetry
from schemas.adapters import BackendState
from schemas.errors import Unavailable

log = structlog.get_logger(__name__)

Row = DictRow
CHECKOUT_SECONDS = 5.0  # a request waits this long for a free connection


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
            reconnect_timeout=5.0,
        )

    async def open(self) -> None:
        """Waits for the server and for a schema at this code's version, and says what it waits for."""
        await self._pool.open(wait=False)
        said = ""
        while True:
            missing = await self._missing()
            if not missing:
                return
            if missing != said:
                log.warning("store.waiting", waits_for=missing)
                said = missing
            await asyncio.sleep(0.2)

    async def close(self) -> None:
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
                yield connection
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database does not answer", after=1.0) from error

    async def state(self) -> BackendState:
        """One probe, within a second."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(1.0), self.connection() as connection:
                await connection.execute("SELECT 1")
        except (TimeoutError, Unavailable) as error:
            return BackendState(name="postgresql", status="down", message=str(error) or "no answer in 1 s")
        latency = (time.perf_counter() - started) * 1000
        return BackendState(name="postgresql", status="up", latency_ms=round(latency, 2))

    async def _missing(self) -> str:
        try:
            async with asyncio.timeout(3.0), self.connection() as connection:
                pending = await migrate.pending(connection)
        except (TimeoutError, Unavailable):
            return "PostgreSQL"
        return f"migrations {', '.join(pending)} (run: copilot migrate)" if pending else ""
