"""Who owns a turn: a lease per actor, an epoch per turn, and one way to take over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from actors.platform.bus.ids import new_ulid
from actors.platform.store import Database
from actors.platform.store.database import Row
from schemas.context import WorkingMemory
from schemas.errors import Unavailable
from schemas.identity import Identity

log = structlog.get_logger(__name__)

LEASE_SECONDS = 3.0
LONGEST_LEASE_SECONDS = 2 * LEASE_SECONDS  # one that ends later was taken before the clock was set back
RENEW_SECONDS = 1.0
SLOW_WRITE_SECONDS = 1.0  # a renewal that takes longer shows in the readiness
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


class Lease:
    """Says every second that this life of the actor goes on. A new life has a new name: what the former one
    held is not its own by accident."""

    def __init__(self, database: Database, slot: str) -> None:
        self.actor = f"{slot}@{new_ulid()}"
        self._database = database
        self._task: asyncio.Task[None] | None = None
        self._begun: float | None = None
        self._refused = ""

    @property
    def trouble(self) -> str:
        """Why nothing can be stored at the moment; empty while writes come through. Reading may work all the same:
        a full disk or a hanging flush shows in writes alone."""
        waited = time.monotonic() - self._begun if self._begun is not None else 0.0
        return f"a write has been waiting for {waited:.1f} s" if waited > SLOW_WRITE_SECONDS else self._refused

    async def start(self) -> None:
        await self._renew()
        self._task = asyncio.create_task(self._keep())

    async def release(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._database.run("release_lease", {"actor": self.actor})
        except Unavailable as error:
            # It lapses by itself, a few seconds later.
            log.warning("lease.not_released", actor=self.actor, error=error.detail)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                await self._renew()
            except Unavailable as error:
                # Turns that pass to another meanwhile are fenced by their epoch.
                log.warning("lease.not_renewed", actor=self.actor, error=error.detail)
            except Exception:
                # An actor without a lease loses every turn to the others: this loop must not end.
                log.exception("lease.not_renewed", actor=self.actor)

    async def _renew(self) -> None:
        self._begun = time.monotonic()
        try:
            await self._database.run("renew_lease", {"actor": self.actor, "seconds": LEASE_SECONDS})
        except Unavailable as error:
            self._refused = error.detail
            raise
        else:
            self._refused = ""
        finally:
            self._begun = None


class Claims:
    """Looks for turns without a living owner: when woken, after each closing, and every second."""

    POLL_SECONDS = 1.0

    def __init__(
        self,
        database: Database,
        actor: str,
        free: Callable[[], int],
        held: Callable[[], list[str]],
        take: Callable[[OwnedTurn], None],
        bury: Callable[[str], Awaitable[None]],
    ) -> None:
        self._database = database
        self._actor = actor
        self._free = free
        self._held = held
        self._take = take
        self._bury = bury
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            woken = await self._next()
            try:
                await self._claim()
                if not woken:
                    await self._bury_the_dead()
            except Unavailable as error:
                log.warning("claims.waiting", waits_for="PostgreSQL", error=error.detail)
            except Exception:
                # This loop is what recovers turns: one that cannot be taken must not end it.
                log.exception("claims.failed")

    async def _next(self) -> bool:
        """True when woken, False when the poll is due."""
        try:
            async with asyncio.timeout(self.POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

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
        for row in await self._database.all("expired_leases", {"longest": LONGEST_LEASE_SECONDS}):
            await self._bury(row["actor"])
            await self._database.run("release_lease", {"actor": row["actor"]})
