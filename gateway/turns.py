"""Submitting a turn, the same way for every protocol."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from actors.platform.bus.ids import new_session_id, new_ulid
from gateway.auth import Caller
from gateway.finished import Finished
from gateway.pools import Pools
from gateway.replies import Follower, Replies
from schemas.context import NewSession
from schemas.conversation import FINAL, Message, ReplyCompleted, ReplyEvent, ReplyFailed, SubmitTurn, TurnAccepted
from schemas.envelope import violations
from schemas.errors import InvalidInput, Unavailable, from_problem
from schemas.subjects import CREATE_SESSION, SUBMIT_TURN

KEY_SOURCE = "idempotency-key"


@dataclass(frozen=True, slots=True)
class Turn:
    """An accepted turn. `follower` is entered already; whoever has the turn closes it."""

    accepted: TurnAccepted
    follower: Follower

    async def __aenter__(self) -> Turn:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.follower.__aexit__()


class Says(Protocol):
    def submission(self) -> SubmitTurn: ...


def submission_of(body: Says) -> SubmitTurn:
    """What a protocol's own body asks, by the rules of the bus. Raises InvalidInput."""
    try:
        return body.submission()
    except ValidationError as error:
        raise InvalidInput("the body does not have the expected form", violations=violations(error)) from error


async def _whole(turn: Turn) -> Message:
    async with turn:
        turn.follower.only_whole = True
        async for event in turn.follower:
            if event.type in FINAL:
                return _message(event)
    raise Unavailable("the reply ended without a last event")


def _message(last: ReplyEvent) -> Message:
    """Raises the error of a reply that failed."""
    if isinstance(last, ReplyCompleted):
        return last.message
    if isinstance(last, ReplyFailed):
        raise from_problem(last.problem)
    raise Unavailable(f"{last.type} is not the end of a reply")


class Turns:
    def __init__(self, pools: Pools, replies: Replies) -> None:
        self._finished = Finished(pools.bus)
        self._pools = pools
        self._replies = replies

    async def begin(self, caller: Caller, submission: SubmitTurn, key: str | None = None) -> Turn:
        """Returns after the commit. `key` is an Idempotency-Key. Raises what the conversation pool names, and
        NotFound for a session that cannot be the caller's."""
        if submission.session_id is not None:
            caller.check_session(submission.session_id)
        if key is not None or (submission.turn_id and submission.session_id is None):
            return await self._begin_unknown(caller, submission, key)
        session_id = submission.session_id or await self._new_session(caller)
        turn_id = submission.turn_id or new_ulid()
        known = submission.model_copy(update={"session_id": session_id, "turn_id": turn_id})
        # Followed before it is submitted: then no event can pass unseen and nothing has to be read.
        follower = self._replies.follow(session_id, turn_id, read=False)
        await follower.__aenter__()
        try:
            accepted = await self.submit(caller, known)
        except BaseException:
            await follower.__aexit__()
            raise
        if accepted.duplicate:
            follower.stale()
        if (accepted.session_id, accepted.turn_id) == (session_id, turn_id):
            return Turn(accepted, follower)
        await follower.__aexit__()
        return await self._followed(accepted)

    async def answer(self, caller: Caller, submission: SubmitTurn, key: str | None = None) -> Message:
        """The whole reply. Raises what `begin` raises, and the error of a reply that failed."""
        if submission.session_id is not None:
            caller.check_session(submission.session_id)
        if key is not None or (submission.turn_id and submission.session_id is None):
            return await _whole(await self._begin_unknown(caller, submission, key))
        await self._finished.open()
        session_id = submission.session_id or await self._new_session(caller)
        turn_id = submission.turn_id or new_ulid()
        known = submission.model_copy(update={"session_id": session_id, "turn_id": turn_id})
        with self._finished.awaited(session_id, turn_id) as finished:
            accepted = await self.submit(caller, known, tell=self._finished.name)
            if not accepted.duplicate and not accepted.queued:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._replies.check_seconds):
                        return _message(await finished)
        return await _whole(await self._followed(accepted))

    async def submit(
        self,
        caller: Caller,
        submission: SubmitTurn,
        *,
        id: str | None = None,
        source: str | None = None,
        tell: str | None = None,
    ) -> TurnAccepted:
        return await self._pools.ask(
            SUBMIT_TURN, submission, authorization=caller.authorization, id=id, source=source, tell=tell
        )

    async def _begin_unknown(self, caller: Caller, submission: SubmitTurn, key: str | None) -> Turn:
        """The pool finds out whether it has this turn, and makes session and turn only if not."""
        source = KEY_SOURCE if key is not None else None
        return await self._followed(await self.submit(caller, submission, id=key, source=source))

    async def _followed(self, accepted: TurnAccepted) -> Turn:
        follower = self._replies.follow(accepted.session_id, accepted.turn_id)
        await follower.__aenter__()
        return Turn(accepted, follower)

    async def _new_session(self, caller: Caller) -> str:
        # Named here, so that the bus may ask twice and it is still one session.
        wanted = NewSession(id=new_session_id(caller.owner), identity=caller.identity)
        session = await self._pools.ask(CREATE_SESSION, wanted, authorization=caller.authorization)
        return session.id
