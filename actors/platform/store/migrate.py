"""Numbered SQL files, applied once each, in order, by one at a time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row

MIGRATIONS = Path(__file__).with_name("migrations")
CONNECT_SECONDS = 5
LOCK = 0x636F70696C6F74  # "copilot": an advisory lock that nothing else takes


class MigrationError(RuntimeError):
    """The database holds something else than these files would have made."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available() -> tuple[Migration, ...]:
    return tuple(Migration(p.stem, p.read_text(encoding="utf-8")) for p in sorted(MIGRATIONS.glob("*.sql")))


async def pending(connection: AsyncConnection[Any]) -> tuple[str, ...]:
    """Names not yet applied. Raises MigrationError for an applied file that has since changed."""
    applied = await _applied(connection)
    for migration in available():
        known = applied.get(migration.name)
        if known is not None and known != migration.checksum:
            raise MigrationError(f"{migration.name} was applied with other contents: never edit, add a new one")
    return tuple(migration.name for migration in available() if migration.name not in applied)


async def migrate(url: str) -> tuple[str, ...]:
    """Applies what is missing; returns the names. Two at once: the second waits and finds nothing to do."""
    async with await AsyncConnection[DictRow].connect(
        url, autocommit=True, row_factory=dict_row, connect_timeout=CONNECT_SECONDS
    ) as connection:
        await connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration "
            "(name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        names = await pending(connection)
        for migration in available():
            if migration.name in names:
                await _apply(connection, migration)
        return names


async def _apply(connection: AsyncConnection[Any], migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(cast("LiteralString", migration.sql))  # from this package's own files
        await connection.execute(
            "INSERT INTO migration (name, checksum) VALUES (%s, %s)", (migration.name, migration.checksum)
        )


async def _applied(connection: AsyncConnection[Any]) -> dict[str, str]:
    try:
        cursor = await connection.execute("SELECT name, checksum FROM migration")
    except psycopg.errors.UndefinedTable:
        return {}
    return {row["name"]: row["checksum"] for row in await cursor.fetchall()}
