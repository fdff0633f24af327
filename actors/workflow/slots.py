"""Caps of actions: how many of one may run at a time, over all runs and actors."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from actors.platform.store import Database
from actors.workflow.definition.graph import Key
from schemas.errors import Unavailable

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.25  # another actor's place may have come free; one's own is told at once


class Slots:
    """A place is a row in the store; one whose actor has died does not count."""

    def __init__(self, database: Database, actor: str, caps: Mapping[str, int]) -> None:
        self._database = database
        self._actor = actor
        self.caps = caps
        self._freed = {action: asyncio.Event() for action in caps}

    async def take(self, action: str, run_id: str, key: Key) -> None:
        """Returns once the unit has its place."""
        params = {**self._place(action, run_id, key), "cap": self.caps[action]}
        statements = [("lock_slots", params), ("free_dead_slots", params), ("take_slot", params)]
        freed = self._freed[action]
        while True:
            freed.clear()
            try:
                if (await self._database.batch([*statements]))[2]:
                    return
            except Unavailable as error:
                log.warning("slots.waiting", waits_for="PostgreSQL", action=action, error=error.detail)
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await freed.wait()
            except TimeoutError:
                continue  # looks whether another actor's has come free

    async def free(self, action: str, run_id: str, key: Key) -> None:
        """Waits for the store: a place that was not given back would be lost as long as this actor lives."""
        while True:
            try:
                await self._database.run("free_slot", self._place(action, run_id, key))
                break
            except Unavailable:
                await asyncio.sleep(POLL_SECONDS)
        self._freed[action].set()

    def _place(self, action: str, run_id: str, key: Key) -> dict[str, object]:
        return {"action": action, "run_id": run_id, "step_id": key.step, "item": key.item, "actor": self._actor}
