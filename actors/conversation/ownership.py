"""Who owns a turn, and the one way to take it over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from actors.platform.store import Database
from actors.platform.store.database import Row
from schemas.context import WorkingMemory
from schemas.identity import Identity

LEASE_SECONDS = 3.0
LONGEST_LEASE_SECONDS = 2 * LEASE_SECONDS  # one that ends later was taken before the clock was set back
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
    timezone: str
    memory: WorkingMemory
    """As the session's newest answered turn left it."""
    tell: str | None = None
    """The gateway that waits for the whole reply. A later owner does not know of it: the gateway looks itself."""

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
            timezone=row["timezone"],
            memory=memory_of(row),
        )


def memory_of(row: Row) -> WorkingMemory:
    return WorkingMemory.model_validate_json(row["memory"]) if row["memory"] else WorkingMemory()


class Claims:
    """Takes turns without a living owner, and looks after what the dead have left untold."""

    def __init__(
        self,
        database: Database,
        actor: str,
        pool: str,
        free: Callable[[], int],
        held: Callable[[], list[str]],
        take: Callable[[OwnedTurn], None],
        bury: Callable[[str], Awaitable[None]],
    ) -> None:
        self._database = database
        self._actor = actor
        self._pool = pool
        self._free = free
        self._held = held
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
        params = {
            "actor": self._actor,
            "limit": limit,
            "held": self._held(),
            "longest": LONGEST_LEASE_SECONDS,
        }
        for row in await self._database.all("claim_turns", params):
            self._take(OwnedTurn.of(row))

    async def _bury_the_dead(self) -> None:
        params = {"pool": self._pool, "longest": LONGEST_LEASE_SECONDS}
        for row in await self._database.all("expired_leases", params):
            await self._bury(row["actor"])
            await self._database.run("release_lease", {"actor": row["actor"]})
