"""Following a reply when things go wrong: gaps, slow readers, lost connections, turns older than the stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from actors.platform.bus import Bus
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.bus.transport import NoAnswer, Packet, Stored
from gateway import replies as module
from gateway.pools import Pools
from gateway.replies import PENDING, Follower, Replies
from schemas.conversation import (
    Message,
    ReplyChunk,
    ReplyCompleted,
    ReplyEvent,
    ReplyStarted,
    TurnOutcome,
    TurnRef,
)
from schemas.envelope import Envelope
from schemas.errors import Internal, NotFound, Unavailable
from schemas.nlp import Intent
from schemas.subjects import REPLIES, REPLY, REPLY_LOG, TURN_OUTCOME, Stream

SESSION = "k3v6bq7lq2xw4zpa.01J9Z8Y7X6W5V4T3S2R1Q0PNMK"
INTENT = Intent(name="help", confidence=1.0)
MESSAGE = Message(
    id="m",
    session_id=SESSION,
    turn_id="t",
    content="whole",
    intent=INTENT,
    latency_ms=1,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def event(sequence: int, last: int) -> ReplyEvent:
    ids = {"session_id": SESSION, "turn_id": "t", "sequence": sequence}
    if sequence == 0:
        return ReplyStarted(**ids, intent=INTENT)  # type: ignore[arg-type]
    if sequence == last:
        return ReplyCompleted(**ids, message=MESSAGE)  # type: ignore[arg-type]
    return ReplyChunk(**ids, chunk=str(sequence))  # type: ignore[arg-type]


class FlakyTransport(MemoryTransport):
    """Loses live events and fails reads when told to."""

    def __init__(self, server: MemoryServer) -> None:
        super().__init__(server)
        self.failing_reads = 0
        self.reads = 0

    async def read(self, stream: Stream, subject: str, after: int, limit: int) -> list[Stored]:
        self.reads += 1
        if self.failing_reads:
            self.failing_reads -= 1
            raise NoAnswer(subject)
        return await super().read(stream, subject, after, limit)


class Turn:
    """A turn whose reply the test writes, and how it stands."""

    def __init__(self, server: MemoryServer) -> None:
        self.server = server
        self.bus = Bus(MemoryTransport(server), "conversation-0")
        self.outcome = TurnOutcome(state="running")
        self.known = True

    async def serve(self) -> None:
        await self.bus.connect()

        async def how(envelope: Envelope[TurnRef]) -> TurnOutcome:
            if not self.known:
                raise NotFound("no such turn")
            return self.outcome

        await self.bus.serve(TURN_OUTCOME, how)

    async def write(self, first: int, last: int, end: int, *, live: bool = True) -> None:
        for sequence in range(first, last + 1):
            told = event(sequence, end)
            if live:
                await self.bus.append(
                    REPLY_LOG, told, kind="x", expected=None, id=str(sequence), session=SESSION, turn="t"
                )
            else:
                subject = REPLY_LOG.subject(session=SESSION, turn="t")
                packet = Packet(subject, told.model_dump_json().encode(), {})
                kept = self.server.stored[REPLIES.name]
                kept.append((len(kept) + 1, packet))

    async def only_live(self, sequence: int, end: int) -> None:
        await self.bus.publish(REPLY, event(sequence, end), session=SESSION, turn="t")

    def done(self, events: int) -> None:
        self.outcome = TurnOutcome(state="done", events=events, message=MESSAGE)


@pytest.fixture
def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
async def turn(server: MemoryServer) -> AsyncIterator[Turn]:
    turn = Turn(server)
    await turn.serve()
    yield turn
    await turn.bus.close()


@pytest.fixture
def transport(server: MemoryServer) -> FlakyTransport:
    return FlakyTransport(server)


@pytest.fixture
async def following(transport: FlakyTransport) -> AsyncIterator[Replies]:
    bus = Bus(transport, "gateway-0")
    await bus.connect()
    yield Replies(Pools(bus), check_seconds=0.1)
    await bus.close()


async def _until_behind(follower: Follower) -> None:
    while not follower.fell_behind:  # noqa: ASYNC110 - a fact of the follower, not of a future
        await asyncio.sleep(0.01)


async def all_of(replies: Replies, after: int = -1, *, read: bool = True) -> list[int]:
    async with replies.follow(SESSION, "t", after, read=read) as follower:
        return [event.sequence async for event in follower]


@pytest.mark.parametrize("after", [-1, 0, 3, 8])
async def test_finished_turn_is_read_from_the_stream(turn: Turn, following: Replies, after: int) -> None:
    await turn.write(0, 9, 9)
    turn.done(10)
    assert await asyncio.wait_for(all_of(following, after), 3) == list(range(after + 1, 10))


async def test_reader_that_has_seen_everything_gets_nothing_more(turn: Turn, following: Replies) -> None:
    await turn.write(0, 9, 9)
    turn.done(10)
    assert await asyncio.wait_for(all_of(following, 9), 3) == []


async def test_nothing_is_read_for_a_turn_that_is_followed_from_its_start(
    turn: Turn, following: Replies, transport: FlakyTransport
) -> None:
    async with following.follow(SESSION, "t", read=False) as follower:
        await turn.write(0, 9, 9)
        assert [event.sequence async for event in follower] == list(range(10))
    assert transport.reads == 0


async def test_events_lost_on_the_way_are_repaired_from_the_stream(turn: Turn, following: Replies) -> None:
    async with following.follow(SESSION, "t", read=False) as follower:
        await turn.write(0, 1, 5)
        await turn.write(2, 4, 5, live=False)
        await turn.write(5, 5, 5)
        assert [event.sequence async for event in follower] == list(range(6))


async def test_lost_last_event_is_found_by_asking(turn: Turn, following: Replies) -> None:
    async with following.follow(SESSION, "t", read=False) as follower:
        await turn.write(0, 1, 3)
        await turn.write(2, 3, 3, live=False)
        turn.done(4)
        assert [event.sequence async for event in follower] == [0, 1, 2, 3]


async def test_reconnection_reads_again(turn: Turn, following: Replies) -> None:
    following.check_seconds = 60.0
    async with following.follow(SESSION, "t", read=False) as follower:
        await turn.write(0, 0, 3)
        assert (await anext(follower)).sequence == 0
        await turn.write(1, 3, 3, live=False)
        following.reconnected()
        assert [event.sequence async for event in follower] == [1, 2, 3]


async def test_repeated_events_are_dropped(turn: Turn, following: Replies) -> None:
    async with following.follow(SESSION, "t") as follower:
        await turn.write(0, 2, 4)
        await turn.only_live(1, 4)
        await turn.only_live(2, 4)
        await turn.write(3, 4, 4)
        assert [event.sequence async for event in follower] == [0, 1, 2, 3, 4]


async def test_slow_reader_is_bounded_and_loses_nothing(turn: Turn, following: Replies) -> None:
    count = 4 * PENDING
    async with following.follow(SESSION, "t", read=False) as follower:
        await turn.write(0, count, count)
        await asyncio.wait_for(_until_behind(follower), 5)
        assert len(follower._ready) <= PENDING
        assert [event.sequence async for event in follower] == list(range(count + 1))


async def test_turn_older_than_the_stream_ends_with_its_stored_message(turn: Turn, following: Replies) -> None:
    turn.done(7)
    async with following.follow(SESSION, "t", 2) as follower:
        events = [event async for event in follower]
    assert [event.sequence for event in events] == [3, 4, 5, 6]
    assert [event.type for event in events[:2]] == ["reply.restarted", "reply.chunk"]
    last = events[-1]
    assert isinstance(last, ReplyCompleted)
    assert last.message == MESSAGE


async def test_stream_that_lost_the_head_of_a_closed_turn(turn: Turn, following: Replies) -> None:
    await turn.write(3, 5, 5)
    turn.done(6)
    assert await asyncio.wait_for(all_of(following), 5) == [0, 1, 2, 3, 4, 5]


async def test_reads_that_fail_are_tried_again_and_nothing_is_skipped(
    turn: Turn, following: Replies, transport: FlakyTransport
) -> None:
    await turn.write(0, 5, 5)
    turn.done(6)
    transport.failing_reads = 3
    assert await asyncio.wait_for(all_of(following), 5) == list(range(6))


async def test_unknown_turn(turn: Turn, following: Replies) -> None:
    turn.known = False
    with pytest.raises(NotFound):
        await asyncio.wait_for(all_of(following), 3)


async def test_closed_turn_without_a_message_is_not_invented(turn: Turn, following: Replies) -> None:
    turn.outcome = TurnOutcome(state="failed", problem=Internal("boom").problem())
    async with following.follow(SESSION, "t") as follower:
        assert [event.type async for event in follower] == ["reply.failed"]
    turn.outcome = TurnOutcome(state="done")
    with pytest.raises(NotFound):
        await all_of(following)


async def test_nobody_hangs_when_nobody_can_say(following: Replies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.5)
    with pytest.raises(Unavailable):
        await asyncio.wait_for(all_of(following), 5)


async def test_followers_leave_nothing_behind(turn: Turn, following: Replies, server: MemoryServer) -> None:
    before = len(server.listeners)
    await turn.write(0, 2, 2)
    turn.done(3)
    await all_of(following)
    assert not following.followers
    assert len(server.listeners) == before
