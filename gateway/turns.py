"""Submitting a turn, the same way for every protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from pydantic import ValidationError

from actors.platform.bus.ids import new_session_id, new_ulid
from gateway.admission import Admission
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
    leave: Callable[[], None]

    async def __aenter__(self) -> Turn:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.leave()
        await self.follower.__aexit__()


class Says(Protocol):
    def submission(self) -> SubmitTurn: ...


def submission_of(body: Says) -> SubmitTurn:
    """What a protocol's own body asks, by the rules of the bus. Raises InvalidInput."""
    try:
        return body.submission()
    except ValidationError as error:
        raise InvalidInput("the body does not have the expected form", violations=violations(error)) from error


class Turns:
    def __init__(self, pools: Pools, replies: Replies, admission: Admission) -> None:
        self._finished = Finished(pools.bus)
        self._pools = pools
        self._replies = replies
        self._admission = admission

    async def begin(self, caller: Caller, submission: SubmitTurn, key: str | None = None) -> Turn:
        """Returns after the commit. `key` is an Idempotency-Key. Raises what the conversation pool names, NotFound
        for a session that cannot be the caller's, and Unavailable when too much is under way."""
        if submission.session_id is not None:
            caller.check_session(submission.session_id)
        since = self._admission.enter(caller.owner)
        try:
            accepted, follower = await self._begun(caller, submission, key)
        except BaseException:
            self._admission.leave(caller.owner, since)
            raise
        return Turn(accepted, follower, partial(self._admission.leave, caller.owner, since))

    async def answer(self, caller: Caller, submission: SubmitTurn, key: str | None = None) -> Message:
        """The whole reply. Raises what `begin` raises, and the error of a reply that failed."""
        if submission.session_id is not None:
            caller.check_session(submission.session_id)
        with self._admission.admitted(caller.owner):
            if key is not None or (submission.turn_id and submission.session_id is None):
                return await self._whole(await self._submit_unknown(caller, submission, key))
            return await self._answered(caller, await self._named(caller, submission))

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

    # --- inside ------------------------------------------------------------------------------------

    async def _begun(
        self, caller: Caller, submission: SubmitTurn, key: str | None
    ) -> tuple[TurnAccepted, Follower]:
        if key is not None or (submission.turn_id and submission.session_id is None):
            accepted = await self._submit_unknown(caller, submission, key)
            return accepted, await self._followed(accepted)
        named = await self._named(caller, submission)
        # Followed before it is submitted: then no event can pass unseen and nothing has to be read.
        follower = self._replies.follow(named.session_id or "", named.turn_id or "", read=False)
        await follower.__aenter__()
        try:
            accepted = await self.submit(caller, named)
        except BaseException:
            await follower.__aexit__()
            raise
        if accepted.duplicate:
            follower.stale()
        if (accepted.session_id, accepted.turn_id) == (named.session_id, named.turn_id):
            return accepted, follower
        await follower.__aexit__()
        return accepted, await self._followed(accepted)

    async def _answered(self, caller: Caller, named: SubmitTurn) -> Message:
        await self._finished.open()
        with self._finished.awaited(named.session_id or "", named.turn_id or "") as finished:
            accepted = await self.submit(caller, named, tell=self._finished.name)
            if not accepted.duplicate and not accepted.queued:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._replies.check_seconds):
                        return _message(await finished)
        return await self._whole(accepted)

    async def _whole(self, accepted: TurnAccepted) -> Message:
        async with self._replies.follow(accepted.session_id, accepted.turn_id) as follower:
            follower.only_whole = True
            async for event in follower:
                if event.type in FINAL:
                    return _message(event)
        raise Unavailable("the reply ended without a last event")

    async def _named(self, caller: Caller, submission: SubmitTurn) -> SubmitTurn:
        """With session and turn, so that the bus may ask twice and it is still one turn."""
        ids = {
            "session_id": submission.session_id or await self._new_session(caller),
            "turn_id": submission.turn_id or new_ulid(),
        }
        return submission.model_copy(update=ids)

    async def _submit_unknown(self, caller: Caller, submission: SubmitTurn, key: str | None) -> TurnAccepted:
        """The pool finds out whether it has this turn, and makes session and turn only if not."""
        return await self.submit(caller, submission, id=key, source=KEY_SOURCE if key is not None else None)

    async def _followed(self, accepted: TurnAccepted) -> Follower:
        follower = self._replies.follow(accepted.session_id, accepted.turn_id)
        await follower.__aenter__()
        return follower

    async def _new_session(self, caller: Caller) -> str:
        # Named here, so that the bus may ask twice and it is still one session.
        wanted = NewSession(id=new_session_id(caller.owner), identity=caller.identity)
        session = await self._pools.ask(CREATE_SESSION, wanted, authorization=caller.authorization)
        return session.id


def _message(last: ReplyEvent) -> Message:
    """Raises the error of a reply that failed."""
    if isinstance(last, ReplyCompleted):
        return last.message
    if isinstance(last, ReplyFailed):
        raise from_problem(last.problem)
    raise Unavailable(f"{last.type} is not the end of a reply")
