"""Following a whole session: its turns one after another, as they were accepted.

The turns of a session run one at a time, so the session's events are the events of its turns in order. The
wildcard over its subjects only tells that something goes on; what, is read turn by turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from actors.platform.bus import Subscription
from gateway.auth import Caller
from gateway.pools import BUS_ERRORS
from gateway.replies import Replies
from schemas.context import SessionRef
from schemas.conversation import ReplyEvent, SessionTurns, TurnRef
from schemas.errors import InvalidInput, Retryable, Unavailable
from schemas.subjects import GET_SESSION, REPLY, SESSION_TURNS, TURN_OUTCOME

LOOK_SECONDS = 30.0  # a wake-up is at most once; this long after the last one the table is asked anyway


@dataclass(frozen=True, slots=True)
class Position:
    """The last event a reader has seen, `<turn_id>:<sequence>` on the wire; -1 is before the turn's first one."""

    turn_id: str
    sequence: int

    @classmethod
    def parse(cls, text: str) -> Position:
        """Raises InvalidInput."""
        turn, _, number = text.rpartition(":")
        known = number == "-1" or (number.isascii() and number.isdecimal())
        if not (turn and known and len(text) <= 80):
            raise InvalidInput("a position is '<turn_id>:<sequence>', the id of the last event seen")
        return cls(turn, int(number))


class SessionFollower:
    """Use in `async with`; `events()` goes on until `stop()` or until the session is deleted."""

    def __init__(self, replies: Replies, caller: Caller, session_id: str, after: Position | None) -> None:
        self._replies = replies
        self._pools = replies.pools
        self._caller = caller
        self._session_id = session_id
        self._after = after
        self._hint: Position | None = None
        self._generation = replies.pools.bus.generation
        self._wake = asyncio.Event()
        self._stopping = False
        self._turn: str | None = None
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> SessionFollower:
        """Raises NotFound where session or position do not exist, Unavailable without a bus."""
        await self._check()
        try:
            self._subscription = await self._pools.bus.subscribe(
                REPLY, self._received, subject=REPLY.all_of(self._session_id)
            )
        except BUS_ERRORS as error:
            raise Unavailable("the bus does not take subscriptions at the moment") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._subscription is not None:
            await self._subscription.close()

    def stop(self) -> None:
        """A turn that is being followed is followed to its end; then the events end."""
        self._stopping = True
        self._wake.set()

    async def events(self) -> AsyncGenerator[ReplyEvent]:
        """Raises NotFound once the session is gone."""
        start = self._after or await self._first_sign()
        if start is None:
            return
        async for event in self._events_of(start.turn_id, start.sequence):
            yield event
        while not self._stopping:
            later = await self._later_turns(start.turn_id)
            for turn_id in later:
                start = Position(turn_id, -1)
                async for event in self._events_of(turn_id, -1):
                    yield event
                if self._stopping:
                    return
            if not later and not self._wake.is_set():
                await self._look_up_in(LOOK_SECONDS)

    # --- inside ------------------------------------------------------------------------------------

    async def _check(self) -> None:
        self._caller.check_session(self._session_id)
        await self._pools.ask(
            GET_SESSION,
            SessionRef(id=self._session_id, identity=self._caller.identity),
            authorization=self._caller.authorization,
        )
        if self._after is not None:
            owner = self._session_id.partition(".")[0]
            turn = TurnRef(owner=owner, session_id=self._session_id, turn_id=self._after.turn_id)
            await self._pools.ask(TURN_OUTCOME, turn)

    async def _received(self, event: ReplyEvent) -> None:
        if event.turn_id == self._turn:
            return
        # After a reconnection its first events may have passed unheard: then the turn is read from its beginning.
        heard = self._generation == self._pools.bus.generation
        self._hint = self._hint or Position(event.turn_id, event.sequence - 1 if heard else -1)
        self._wake.set()

    async def _first_sign(self) -> Position | None:
        while self._hint is None and not self._stopping:
            await self._look_up_in(LOOK_SECONDS)
        return self._hint

    async def _events_of(self, turn_id: str, after: int) -> AsyncGenerator[ReplyEvent]:
        self._turn = turn_id
        async with self._replies.follow(self._session_id, turn_id, after) as follower:
            async for event in follower:
                yield event

    async def _later_turns(self, turn_id: str) -> tuple[str, ...]:
        self._wake.clear()
        try:
            answer = await self._pools.ask(
                SESSION_TURNS, SessionTurns(session_id=self._session_id, after_turn=turn_id)
            )
        except Retryable:
            await self._look_up_in(1.0)  # asked again: the pool or the bus comes back
            self._wake.set()
            return ()
        return answer.turn_ids

    async def _look_up_in(self, seconds: float) -> None:
        """Returns at a sign of life, or after so many seconds. Raises NotFound when the session is gone."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            if seconds >= LOOK_SECONDS:
                await self._still_there()

    async def _still_there(self) -> None:
        ref = SessionRef(id=self._session_id, identity=self._caller.identity)
        try:
            await self._pools.ask(GET_SESSION, ref, authorization=self._caller.authorization)
        except Retryable:
            return  # nobody can say; the next look tells
