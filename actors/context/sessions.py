"""Sessions: created, found, listed, ended; each belongs to its user."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.platform.bus import Bus
from actors.platform.bus.ids import new_session_id
from actors.platform.store import Database
from actors.platform.store.database import Row
from schemas.context import (
    Deleted,
    NewSession,
    PageRequest,
    Session,
    SessionMemory,
    SessionPage,
    SessionRef,
    WorkingMemory,
)
from schemas.envelope import Envelope
from schemas.errors import Conflict, InvalidInput, NotFound, Violation
from schemas.identity import Identity
from schemas.subjects import REPLY_FENCE, REPLY_LOG


class Sessions:
    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus

    async def create(self, envelope: Envelope[NewSession]) -> Session:
        """Raises InvalidInput for an unknown time zone, Conflict when the id is somebody else's."""
        new = envelope.data
        _check_zone(new.timezone)
        row = await self._database.one(
            "create_session",
            {
                "id": new.id or new_session_id(new.identity.owner),
                "owner": new.identity.owner,
                "user": new.identity.user,
                "name": new.name,
                "timezone": new.timezone,
                "metadata": json.dumps(new.metadata),
                "source": envelope.source,
            },
        )
        if row is None:
            raise Conflict("this session id is taken")
        return _session(row)

    async def get(self, envelope: Envelope[SessionRef]) -> Session:
        row = await self._database.one("get_session", _ref(envelope.data.id, envelope.data.identity))
        if row is None:
            raise NotFound(f"there is no session {envelope.data.id} of yours")
        return _session(row)

    async def memory(self, envelope: Envelope[SessionRef]) -> SessionMemory:
        row = await self._database.one("session_memory", _ref(envelope.data.id, envelope.data.identity))
        if row is None:
            raise NotFound(f"there is no session {envelope.data.id} of yours")
        known = WorkingMemory.model_validate_json(row["memory"]) if row["memory"] else WorkingMemory()
        return SessionMemory(memory=known, timezone=row["timezone"])

    async def list(self, envelope: Envelope[PageRequest]) -> SessionPage:
        page = envelope.data
        rows = await self._database.all(
            "list_sessions", {"owner": page.identity.owner, "cursor": page.cursor, "limit": page.limit + 1}
        )
        shown = rows[: page.limit]
        more = len(rows) > page.limit
        return SessionPage(
            items=tuple(_session(row) for row in shown), next_cursor=shown[-1]["id"] if more else None
        )

    async def delete(self, envelope: Envelope[SessionRef]) -> Deleted:
        """Its turns and messages go with it, and so do its replies in the stream."""
        identity = envelope.data.identity
        params = {**_ref(envelope.data.id, identity), "user": identity.user, "source": envelope.source}
        if await self._database.one("delete_session", params) is None:
            raise NotFound(f"there is no session {envelope.data.id} of yours")
        for kept in (REPLY_LOG, REPLY_FENCE):
            await self._bus.purge(kept, session=envelope.data.id)
        return Deleted(id=envelope.data.id)


def _ref(session_id: str, identity: Identity) -> dict[str, object]:
    return {"id": session_id, "owner": identity.owner, "any": identity.may("session.any")}


def _session(row: Row) -> Session:
    return Session.model_validate(row)


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            f"{name!r} is not a time zone",
            violations=(
                Violation(pointer="/timezone", detail="must be a name of the tz database, e.g. Europe/Vienna"),
            ),
        ) from error
