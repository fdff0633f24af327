"""Idempotency keys: the same key is the same request, for a day."""

from __future__ import annotations

from actors.platform.bus.ids import new_ulid
from actors.platform.store import Database
from schemas.context import Done, IdempotencyClaim, IdempotencyResult, IdempotencyState
from schemas.envelope import Envelope
from schemas.errors import IdempotencyMismatch


class Keys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, envelope: Envelope[IdempotencyClaim]) -> IdempotencyState:
        """Raises IdempotencyMismatch when the key was used with another body."""
        claim = envelope.data
        row = await self._database.one("claim_key", {**claim.model_dump(), "resource_id": new_ulid()})
        if row is None:  # made by another at this very moment: it is running there
            return IdempotencyState(state="running", resource_id="")
        if row["fingerprint"] != claim.fingerprint:
            raise IdempotencyMismatch("the idempotency key was used with another request")
        state = row["state"]
        if state == "running" and await self._database.one("retake_key", claim.model_dump()):
            state = "new"
        return IdempotencyState(
            state=state, resource_id=row["resource_id"], status=row["status"], body=row["body"]
        )

    async def finish(self, envelope: Envelope[IdempotencyResult]) -> Done:
        result = envelope.data
        await self._database.run("finish_key" if result.status else "release_key", result.model_dump())
        return Done()

    async def forget(self) -> None:
        await self._database.run("forget_keys", {})
