"""Group commit and migrations on the real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from psycopg import AsyncConnection

from actors.platform.config import Settings
from actors.platform.store import Database, GroupCommit, migrate, queries
from actors.platform.telemetry import Telemetry
from schemas.errors import Unavailable
from tests.support.servers import Servers

pytestmark = pytest.mark.integration

SQL = """
-- name: add
-- Adds letters; a NUL cannot be stored.
WITH item AS (SELECT * FROM jsonb_to_recordset(%(items)s::jsonb) AS item (n integer, subject text))
, added AS (
    INSERT INTO dead_letter (subject, headers, body, attempts, reason)
    SELECT subject, '{}', '', 1, 'test' FROM item RETURNING subject
)
SELECT n, subject, txid_current() AS transaction,
       (SELECT count(*) FROM dead_letter d WHERE d.subject = item.subject) AS before
FROM item JOIN added USING (subject);

-- name: subjects
-- All of them.
SELECT subject FROM dead_letter ORDER BY id;
"""


@pytest.fixture
async def database(settings: Settings, tmp_path: Path) -> AsyncIterator[Database]:
    path = tmp_path / "queries.sql"
    path.write_text(SQL)
    database = Database(settings.database, path, Telemetry.silent("test"))
    await database.open()
    yield database
    await database.close()


async def test_concurrent_writes_share_transactions_and_each_gets_its_own_row(database: Database) -> None:
    commits = GroupCommit(database, "add")
    commits.start()
    rows = await asyncio.gather(*(commits.write(f"{n}", {"subject": f"s{n}"}) for n in range(200)))
    await commits.stop()
    assert [row and row["subject"] for row in rows] == [f"s{n}" for n in range(200)]
    assert len({row and row["transaction"] for row in rows}) < 20
    assert len(await database.all("subjects", {})) == 200


async def test_of_two_with_one_key_the_later_sees_what_the_earlier_did(database: Database) -> None:
    commits = GroupCommit(database, "add", lanes=1)
    commits.start()
    rows = await asyncio.gather(*(commits.write("one", {"subject": "same"}) for _ in range(3)))
    await commits.stop()
    assert [row and row["before"] for row in rows] == [0, 1, 2]


async def test_what_comes_after_the_stop_is_refused_and_what_came_before_is_stored(database: Database) -> None:
    commits = GroupCommit(database, "add")
    commits.start()
    early = asyncio.create_task(commits.write("early", {"subject": "early"}))
    await asyncio.sleep(0)
    await commits.stop()
    assert (await early) is not None
    with pytest.raises(Unavailable):
        await commits.write("late", {"subject": "late"})


async def test_a_write_that_cannot_be_stored_fails_alone(database: Database) -> None:
    commits = GroupCommit(database, "add")
    commits.start()
    names = ["good", "b\0d", "fine"]
    outcomes = await asyncio.gather(
        *(commits.write(name, {"subject": name}) for name in names), return_exceptions=True
    )
    await commits.stop()
    assert isinstance(outcomes[1], psycopg.Error)
    stored = {row["subject"] for row in await database.all("subjects", {})}
    assert stored == {"good", "fine"}


async def test_a_server_that_is_away_is_unavailable(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text(SQL)
    nowhere = settings.database.model_copy(update={"url": "postgresql://copilot@127.0.0.1:1/copilot"})
    database = Database(nowhere, path, Telemetry.silent("test"))
    waiting = asyncio.create_task(database.open())
    with pytest.raises(Unavailable):
        await database.all("subjects", {})
    assert not waiting.done()
    assert (await database.state()).status == "down"
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await database.close()


async def test_migrations_are_applied_once_and_by_one_at_a_time(servers: Servers) -> None:
    name = "test_migrate_twice"
    with psycopg.connect(servers.addresses.postgresql, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    url = servers.addresses.postgresql.replace("@/copilot?", f"@/{name}?")
    applied = await asyncio.gather(*(migrate.migrate(url) for _ in range(3)))
    everything = tuple(m.name for m in migrate.available())
    assert sorted(applied) == [(), (), everything]
    assert await migrate.migrate(url) == ()


async def test_a_migration_that_was_changed_afterwards_is_found_out(settings: Settings) -> None:
    async with await AsyncConnection.connect(settings.database.url, autocommit=True) as connection:
        await connection.execute("UPDATE migration SET checksum = 'other'")
    with pytest.raises(migrate.MigrationError, match="never edit"):
        await migrate.migrate(settings.database.url)


async def test_the_audit_can_only_grow(settings: Settings) -> None:
    async with await AsyncConnection.connect(settings.database.url, autocommit=True) as connection:
        await connection.execute(
            "INSERT INTO audit (user_name, action, subject, source, outcome) VALUES ('u', 'a', 's', 't', 'done')"
        )
        for change in ("UPDATE audit SET outcome = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(psycopg.errors.RaiseException):
                await connection.execute(change)


def test_a_statement_needs_its_sentence(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text("-- name: bare\nSELECT 1;\n")
    with pytest.raises(ValueError, match="sentence"):
        queries.load(path)


def test_a_name_is_used_once(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text("-- name: one\n-- Why.\nSELECT 1;\n-- name: one\n-- Why.\nSELECT 2;\n")
    with pytest.raises(ValueError, match="twice"):
        queries.load(path)
