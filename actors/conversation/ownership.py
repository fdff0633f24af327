"""Who owns a turn, and the one way to take it over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from actors.platform.store import Database
from actors.platform.store.database import Row
from schemas.identity import Identity

LEASE_SECONDS = 3.0
RENEW_SECONDS = 1.0
MAX_EPOCH = 5  # a turn that has cost so many owners their lives is closed as failed


@dataclass(frozen=True, slots=True)
class OwnedTurn:
    """A turn that this actor may answer, as long as `epoch` is the turn's."""

    owner: str
    id: str
    session_id: str
    seq: int
    content: str
    as_of: datetime | None
    identity: Identity
    traceparent: str | None
    epoch: int
    accepted_at: datetime

    @classmethod
    def of(cls, row: Row) -> OwnedTurn:
        return cls(
            owner=row["owner"],
            id=row["id"],
            session_id=row["session_id"],
            seq=row["seq"],
            content=row["content"],
            as_of=row["as_of"],
            identity=Identity.model_validate(row["identity"]),
            traceparent=row["traceparent"],
            epoch=row["epoch"],
            accepted_at=row["accepted_at"],
        )


class Claims:
    """Takes turns without a living owner, and looks after what the dead have left untold."""

    def __init__(
        self,
        database: Database,
        actor: str,
        pool: str,
        free: Callable[[], int],
        take: Callable[[OwnedTurn], None],
        bury: Callable[[str], Awaitable[None]],
    ) -> None:
        self._database = database
        self._actor = actor
        self._pool = pool
        self._free = free
        self._take = take
        self._bury = bury

    async def look(self, woken: bool) -> None:
        await self._claim()
        if not woken:
            await self._bury_the_dead()

    async def _claim(self) -> None:
        limit = self._free()
        if limit <= 0:
            return
        for row in await self._database.all("claim_turns", {"actor": self._actor, "limit": limit}):
            self._take(OwnedTurn.of(row))

    async def _bury_the_dead(self) -> None:
        for row in await self._database.all("expired_leases", {"pool": self._pool}):
            await self._bury(row["actor"])
            await self._database.run("release_lease", {"actor": row["actor"]})
