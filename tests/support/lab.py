"""Actions whose effects can be counted: a table of what was asked for, and one of what has taken effect.

`keyed` knows its keys and applies each once, however often it is asked, as a well-made backend does. `probe` and
`unsafe` apply whenever they are asked: with them it is the engine that must not ask twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel, ConfigDict

from actors.workflow.actions.port import Call, Happened
from actors.workflow.actions.registry import Entry
from schemas.adapters import ActionClass
from schemas.errors import InvalidInput, Unavailable
from schemas.identity import Permission

TABLES = """
CREATE TABLE IF NOT EXISTS lab_call (key text NOT NULL, attempt integer NOT NULL,
                                     at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS lab_effect (id bigint GENERATED ALWAYS AS IDENTITY, key text NOT NULL, value jsonb,
                                       began timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX IF NOT EXISTS lab_effect_key ON lab_effect (key);
"""


class Asked(BaseModel):
    """`fail`: so many attempts come back as Retryable, before the effect; `broken`: every one as Terminal."""

    model_config = ConfigDict(extra="forbid")

    value: Any = None
    seconds: float = 0.0
    fail: int = 0
    broken: bool = False


@dataclass
class Lab:
    pool: AsyncConnectionPool
    effect: ActionClass
    permission: Permission | None = None
    interruptible: bool = True
    known: bool = False
    """Applies each key once."""

    async def run(self, call: Call) -> Any:
        """The lab itself never fails: where the database goes away, what knows its keys tries again."""
        while True:
            try:
                return await self._run(call)
            except psycopg.OperationalError:
                if not self.known:
                    raise
                await asyncio.sleep(0.05)

    async def _run(self, call: Call) -> Any:
        asked = Asked.model_validate(call.input)
        async with self.pool.connection() as connection:
            await connection.execute(
                "INSERT INTO lab_call (key, attempt) VALUES (%s, %s)", (call.effect_key, call.attempt)
            )
            if asked.broken:
                raise InvalidInput("broken, as asked")
            if call.failures < asked.fail:
                raise Unavailable("not yet, as asked", after=0.0)
        if asked.seconds:
            await asyncio.sleep(asked.seconds)
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", (call.effect_key,))
            await connection.execute(
                "INSERT INTO lab_effect (key, value) SELECT %(key)s, %(value)s WHERE NOT %(known)s OR NOT EXISTS"
                " (SELECT FROM lab_effect WHERE key = %(key)s)",
                {
                    "key": call.effect_key,
                    "value": psycopg.types.json.Jsonb(asked.value),
                    "known": self.known,
                },
            )
        return {"value": asked.value, "key": call.effect_key}

    async def probe(self, call: Call) -> Happened | None:
        async with self.pool.connection() as connection:
            cursor = await connection.execute("SELECT value FROM lab_effect WHERE key = %s", (call.effect_key,))
            row = await cursor.fetchone()
        return Happened({"value": row[0], "key": call.effect_key}) if row else None


class Nothing:
    """A `keyed` action whose effect costs nothing: what is left is the engine."""

    effect: ActionClass = "keyed"
    permission: Permission | None = None
    interruptible = True

    async def run(self, call: Call) -> Any:
        return call.attempt

    async def probe(self, call: Call) -> Happened | None:
        raise TypeError("not a probe action")


def lab_actions(url: str) -> tuple[dict[str, Entry], AsyncConnectionPool]:
    """`lab.pure`, `lab.keyed`, `lab.probe`, `lab.unsafe`, `lab.nothing`, and the pool to open before their use."""
    pool = AsyncConnectionPool(url, min_size=0, max_size=4, open=False, kwargs={"autocommit": True})
    kinds: tuple[ActionClass, ...] = ("pure", "keyed", "probe", "unsafe")
    counted = {f"lab.{kind}": (Asked, Lab(pool, kind, known=kind in ("pure", "keyed"))) for kind in kinds}
    return {**counted, "lab.nothing": (Asked, Nothing())}, pool
