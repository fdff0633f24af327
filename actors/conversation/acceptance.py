"""Taking a turn: one grouped commit is the acceptance. The same submission again is the same turn."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from actors.conversation.ownership import OwnedTurn, memory_of
from actors.platform.bus.ids import new_session_id, new_ulid
from actors.platform.guard.fault_points import fault_point
from actors.platform.store import GroupCommit
from actors.platform.store.database import Row
from schemas.conversation import SubmitTurn, TurnAccepted
from schemas.envelope import Envelope
from schemas.errors import Forbidden, IdempotencyMismatch, NotFound, RateLimited, Unavailable
from schemas.identity import Identity

MOST_OPEN = 64  # turns of one session that run or wait
ATTEMPTS = 3  # two identical submissions at the same moment: the second look finds the first one's turn


class Acceptance:
    def __init__(
        self,
        commits: GroupCommit,
        actor: str,
        may_start: Callable[[], bool],
        started: Callable[[OwnedTurn], None],
        queued: Callable[[str], None],
    ) -> None:
        self._commits = commits
        self._actor = actor
        self._may_start = may_start
        self._started = started
        self._queued = queued

    async def accept(self, envelope: Envelope[SubmitTurn], identity: Identity) -> TurnAccepted:
        """Returns after the commit. Raises Forbidden, NotFound for a session that is not the caller's,
        IdempotencyMismatch for a known key with another body, RateLimited for a session in which too many wait,
        Unavailable when nothing could be stored."""
        if not identity.may("chat"):
            raise Forbidden("this identity may not ask questions")
        submission = envelope.data
        fingerprint = _fingerprint(submission)
        params = self._params(envelope, identity, fingerprint)
        for _ in range(ATTEMPTS):
            verdict = await self._try(params)
            if verdict["verdict"] == "no_session":
                raise NotFound(f"there is no session {submission.session_id} of yours")
            if verdict["verdict"] == "full":
                raise RateLimited(f"{MOST_OPEN} turns of this session are waiting already", after=2.0)
            if verdict["verdict"] == "known":
                return _known(verdict, fingerprint)
            if verdict["verdict"] == "new":
                await fault_point("turn.accepted")
                self._begin(verdict, envelope, identity)
                queued = verdict["state"] == "queued"
                return TurnAccepted(session_id=verdict["session_id"], turn_id=verdict["id"], queued=queued)
        raise Unavailable("the same submission is being stored by somebody else", after=0.2)

    async def _try(self, params: dict[str, object]) -> Row:
        lock = str(
            params["session_id"] if not params["new_session"] else f"{params['owner']} {params['dedup_key']}"
        )
        row = await self._commits.write(lock, {**params, "can_start": self._may_start(), "most_open": MOST_OPEN})
        if row is None:
            raise Unavailable("the store does not say what became of the turn", after=0.2)
        return row

    def _begin(self, row: Row, envelope: Envelope[SubmitTurn], identity: Identity) -> None:
        if row["state"] != "running":
            self._queued(row["session_id"])
            return
        self._started(
            OwnedTurn(
                owner=identity.owner,
                id=row["id"],
                session_id=row["session_id"],
                seq=row["seq"],
                content=envelope.data.content,
                as_of=envelope.data.as_of,
                identity=identity,
                traceparent=envelope.traceparent,
                epoch=1,
                accepted_at=row["accepted_at"],
                timezone=row["timezone"],
                memory=memory_of(row),
                tell=envelope.tell,
            )
        )

    def _params(self, envelope: Envelope[SubmitTurn], identity: Identity, fingerprint: str) -> dict[str, object]:
        submission = envelope.data
        return {
            "owner": identity.owner,
            "user": identity.user,
            "turn_id": submission.turn_id or new_ulid(),
            "session_id": submission.session_id or new_session_id(identity.owner),
            "new_session": submission.session_id is None,
            "dedup_key": f"{envelope.source} {envelope.id}",
            "fingerprint": fingerprint,
            "content": submission.content,
            "as_of": submission.as_of,
            "identity": identity.model_dump(),
            "metadata": submission.metadata,
            "traceparent": envelope.traceparent,
            "actor": self._actor,
        }


def _known(row: Row, fingerprint: str) -> TurnAccepted:
    if row["fingerprint"] != fingerprint:
        raise IdempotencyMismatch("this turn id or key was used for another message")
    return TurnAccepted(session_id=row["session_id"], turn_id=row["id"], duplicate=True)


def _fingerprint(submission: SubmitTurn) -> str:
    """Of what the caller asks; ids that a retry may or may not repeat are left out."""
    body = submission.model_dump_json(exclude={"turn_id", "session_id"})
    return hashlib.sha256(body.encode()).hexdigest()
