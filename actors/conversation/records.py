"""What was said: a turn's outcome, a session's history, read from the store."""

from __future__ import annotations

from actors.platform.store import Database
from actors.platform.store.database import Row
from schemas.context import PageRequest
from schemas.conversation import (
    HistoryItem,
    HistoryPage,
    Message,
    SessionTurnList,
    SessionTurns,
    TurnOutcome,
    TurnRef,
    UserMessage,
)
from schemas.envelope import Envelope
from schemas.errors import InvalidInput, NotFound, Problem
from schemas.identity import Identity


class Records:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def outcome(self, envelope: Envelope[TurnRef]) -> TurnOutcome:
        row = await self._database.one("turn_outcome", envelope.data.model_dump())
        if row is None:
            raise NotFound(f"there is no turn {envelope.data.turn_id} in this session")
        return outcome_of(row)

    async def history(self, envelope: Envelope[PageRequest]) -> HistoryPage:
        page = envelope.data
        session_id = await self._readable(page.session_id or "", page.identity)
        seq, side = _cursor(page.cursor)
        rows = await self._database.all(
            "history", {"session_id": session_id, "seq": seq, "side": side, "limit": page.limit + 1}
        )
        shown = rows[: page.limit]
        more = len(rows) > page.limit
        return HistoryPage(
            items=tuple(_item(session_id, row) for row in shown),
            next_cursor=f"{shown[-1]['seq']}-{shown[-1]['side']}" if more else None,
        )

    async def turns(self, envelope: Envelope[SessionTurns]) -> SessionTurnList:
        rows = await self._database.all("turns_after", envelope.data.model_dump())
        return SessionTurnList(turn_ids=tuple(row["id"] for row in rows))

    async def _readable(self, session_id: str, identity: Identity) -> str:
        """Raises NotFound for another's session just as for none: nobody learns which ids exist."""
        row = await self._database.one("session_owner", {"session_id": session_id})
        if row is None or not (row["owner"] == identity.owner or identity.may("session.any")):
            raise NotFound(f"there is no session {session_id} of yours")
        return session_id


def outcome_of(row: Row) -> TurnOutcome:
    return TurnOutcome(
        state=row["state"],
        events=row["events"],
        message=Message.model_validate_json(row["body"]) if row["body"] else None,
        problem=Problem.model_validate_json(row["problem"]) if row["problem"] else None,
    )


def _item(session_id: str, row: Row) -> HistoryItem:
    if row["side"] == 1:
        return Message.model_validate_json(row["body"])
    return UserMessage(
        id=f"{row['turn_id']}-user",
        session_id=session_id,
        turn_id=row["turn_id"],
        content=row["content"],
        created_at=row["accepted_at"],
    )


def _cursor(text: str | None) -> tuple[int, int]:
    if text is None:
        return 0, -1
    seq, _, side = text.partition("-")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 18 and side in ("0", "1")):
        raise InvalidInput("the cursor is not one of ours")
    return int(seq), int(side)
