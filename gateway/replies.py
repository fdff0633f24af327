"""Following the reply of one turn: the one place that knows how, for every protocol.

Subscribe first, then read what the stream has, drop what was seen, repair every gap by reading again. A
follower keeps at most PENDING events in memory: what a slow reader does not take is read again later.
After the stream's hour, and where the bus has lost events, what is stored stands for them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque

import structlog

from actors.platform.bus import Subscription
from gateway import lost_events
from gateway.pools import BUS_ERRORS, Pools
from schemas.conversation import (
    FINAL,
    REPLY_EVENT,
    ReplyEvent,
    TurnOutcome,
    TurnRef,
)
from schemas.envelope import now
from schemas.errors import Retryable, Unavailable
from schemas.subjects import REPLY, REPLY_LOG, TURN_OUTCOME

log = structlog.get_logger(__name__)

PENDING = 256
PAGE = 256
CHECK_SECONDS = 3.0  # without an event for this long, the conversation pool is asked how the turn stands
RETRY_SECONDS = 0.2
FAILED_READS = 25  # in a row; then a closed turn's stored message has to do
HOLE_SECONDS = 2.0  # after a restart of the bus an event's writer may be writing it again
FRESH_SECONDS = 60.0
SILENCE_SECONDS = 60.0  # without an event or an answer for this long, the follower gives up


class Replies:
    """All followers of this gateway."""

    def __init__(self, pools: Pools, check_seconds: float = CHECK_SECONDS) -> None:
        self.pools = pools
        self.check_seconds = check_seconds
        self.followers: set[Follower] = set()

    def follow(self, session_id: str, turn_id: str, after: int = -1, *, read: bool = True) -> Follower:
        """The events with a sequence above `after`, ending with the last one of the turn. `read=False` only
        for a turn that is not submitted yet. Use it in `async with`, then `async for`."""
        return Follower(self, session_id, turn_id, after, read)

    def reconnected(self) -> None:
        """Events may have passed while the connection was lost: everybody reads again."""
        for follower in self.followers:
            follower.stale()


class Follower:
    def __init__(self, replies: Replies, session_id: str, turn_id: str, after: int, read: bool) -> None:
        self.session_id = session_id
        self.turn_id = turn_id
        self.fell_behind = False
        """True once events had to be left to the stream because the reader was slow."""
        self.only_whole = False
        """True: the reader wants the last event only and is not woken for the others."""
        self._replies = replies
        self._next = after + 1
        self._ready: deque[ReplyEvent] = deque()
        self._wake = asyncio.Event()
        self._stale = read
        self._doubtful = read
        self._ended = False
        self._subscription: Subscription | None = None
        self._heard = time.monotonic()
        self._failed_reads = 0
        self._hole: tuple[int, float] | None = None

    async def __aenter__(self) -> Follower:
        """Raises Unavailable when the bus does not take the subscription."""
        subject = REPLY.subject(session=self.session_id, turn=self.turn_id)
        try:
            self._subscription = await self._replies.pools.bus.subscribe(REPLY, self._received, subject=subject)
        except BUS_ERRORS as error:
            raise Unavailable("the bus does not take subscriptions at the moment") from error
        self._replies.followers.add(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._replies.followers.discard(self)
        if self._subscription is not None:
            await self._subscription.close()

    def __aiter__(self) -> Follower:
        return self

    async def __anext__(self) -> ReplyEvent:
        """Raises NotFound when there is no such turn, Unavailable when nobody can say how it stands."""
        while not self._ended:
            event = await self._step()
            if event is not None:
                return event
        raise StopAsyncIteration

    def stale(self) -> None:
        self._stale = True
        self._wake.set()

    # --- inside ------------------------------------------------------------------------------------

    async def _received(self, event: ReplyEvent) -> None:
        if len(self._ready) >= PENDING:
            self._stale = self.fell_behind = True
        else:
            self._ready.append(event)
        if not self.only_whole or self._stale or event.type in FINAL:
            self._wake.set()

    async def _step(self) -> ReplyEvent | None:
        while self._ready and self._ready[0].sequence < self._next:
            self._ready.popleft()
        if self._ready and self._ready[0].sequence == self._next:
            return self._deliver(self._ready.popleft())
        if self._stale or self._ready:
            return await self._catch_up()
        if not await self._woken():
            await self._ask_how_it_stands()
        return None

    def _deliver(self, event: ReplyEvent) -> ReplyEvent:
        self._next = event.sequence + 1
        self._ended = event.type in FINAL
        self._heard = time.monotonic()
        return event

    async def _woken(self) -> bool:
        if not self._ready and not self._stale:
            self._wake.clear()
            try:
                async with asyncio.timeout(self._replies.check_seconds):
                    await self._wake.wait()
            except TimeoutError:
                return False
        return True

    async def _catch_up(self) -> ReplyEvent | None:
        """Reads the stream from the next number on; what came live meanwhile stays behind it."""
        self._stale = False
        live = tuple(self._ready)
        self._ready.clear()
        found = await self._read()
        self._ready.extendleft(reversed(found))
        newest = found[-1].sequence if found else self._next - 1
        self._ready.extend(event for event in live if event.sequence > newest)
        if self._ready and self._ready[0].sequence <= self._next:
            self._doubtful = False
            return None
        if self._stale:
            return None  # the read failed and is tried again
        if self._ready or self._doubtful:
            # The stream does not have the next event: too old, or not there yet.
            self._doubtful = False
            return await self._bridge()
        return None

    async def _read(self) -> list[ReplyEvent]:
        """Events from the next number on, at most PENDING; more are read when these are taken."""
        bus, after = self._replies.pools.bus, 0
        found: list[ReplyEvent] = []
        while True:
            try:
                page = await bus.read(
                    REPLY_LOG, after=after, limit=PAGE, session=self.session_id, turn=self.turn_id
                )
            except (*BUS_ERRORS, RuntimeError) as error:
                log.warning("replies.read", turn=self.turn_id, error=repr(error))
                self._stale = True
                self._failed_reads += 1
                await self._give_up_if_silent()
                return found
            self._failed_reads = 0
            events = (REPLY_EVENT.validate_json(item.body) for item in page)
            found.extend(event for event in events if event.sequence >= self._next)
            if len(page) < PAGE:
                return _in_order(found)
            if len(found) >= PENDING:
                self._stale = found[-1].type not in FINAL
                return _in_order(found)
            after = page[-1].sequence

    async def _bridge(self) -> ReplyEvent | None:
        """Over a hole that the stream cannot fill."""
        await self._ask_how_it_stands()
        if self._ended or not self._ready or self._ready[0].sequence <= self._next:
            return None
        if await self._hole_is_young():
            return None
        log.warning("replies.hole", turn=self.turn_id, missing=self._next, have=self._ready[0].sequence)
        self._ready.extendleft(reversed(lost_events.between(self._ref(), self._next, self._ready[0].sequence)))
        return None

    async def _hole_is_young(self) -> bool:
        """True: it is looked for again, a moment later."""
        now = time.monotonic()
        if self._hole is None or self._hole[0] != self._next:
            self._hole = (self._next, now)
        if now - self._hole[1] > HOLE_SECONDS:
            return False
        await asyncio.sleep(RETRY_SECONDS)
        self._stale = True
        return True

    async def _ask_how_it_stands(self) -> None:
        try:
            outcome = await self._outcome()
        except Retryable:
            await self._give_up_if_silent()
            return
        self._heard = time.monotonic()
        if outcome.state not in ("done", "failed"):
            return
        if outcome.events and self._next >= outcome.events:
            self._ended = True  # the reader had seen the last event already
            return
        # The stream goes before the stored message: it has every event, not only the last.
        found = await self._read()
        if found and found[0].sequence == self._next:
            self._ready.clear()
            self._ready.extend(found)
            return
        if self._stale and self._failed_reads < FAILED_READS:
            return
        if _is_fresh(outcome) and await self._hole_is_young():
            return
        self._ready.clear()
        self._ready.extend(lost_events.closed(self._ref(), outcome, self._next))

    async def _outcome(self) -> TurnOutcome:
        return await self._replies.pools.ask(TURN_OUTCOME, self._ref(), seconds=5.0)

    def _ref(self) -> TurnRef:
        owner = self.session_id.partition(".")[0]
        return TurnRef(owner=owner, session_id=self.session_id, turn_id=self.turn_id)

    async def _give_up_if_silent(self) -> None:
        if time.monotonic() - self._heard > SILENCE_SECONDS:
            raise Unavailable("the reply cannot be followed at the moment; resume later", after=5.0)
        await asyncio.sleep(RETRY_SECONDS)


def _in_order(events: list[ReplyEvent]) -> list[ReplyEvent]:
    """By number, each once: what was lost and written again stands behind what came after it."""
    return [event for _, event in sorted({event.sequence: event for event in reversed(events)}.items())]


def _is_fresh(outcome: TurnOutcome) -> bool:
    """Its writer may still be at work; a failed turn has no time, and counts as fresh."""
    return outcome.message is None or (now() - outcome.message.created_at).total_seconds() < FRESH_SECONDS
