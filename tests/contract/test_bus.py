"""One suite for both transports: NATS, and the double that unit tests use."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from actors.platform.bus import Bus, Last, SequenceConflict, deadline_scope
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.bus.nats import NatsTransport
from actors.platform.bus.transport import Delivery, Transport
from schemas.context import IdempotencyClaim, IdempotencyState
from schemas.conversation import ReplyChunk, ReplyFence, SubmitTurn
from schemas.envelope import Envelope
from schemas.errors import DeadlineExceeded, InvalidInput, NotFound, Unavailable
from schemas.subjects import CLAIM_KEY, METRICS, REPLY, REPLY_FENCE, REPLY_LOG, TURN_EVENT, TURN_READER, TURN_WAKE
from schemas.system import MetricsReport, MetricsRequest, TurnWake
from tests.support.waiting import eventually

Make = Callable[[str], Awaitable[Bus]]
ASKED = IdempotencyClaim(owner="o", key="x", fingerprint="f")
SESSION = "aaaaaaaaaaaaaaaa.01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture(params=["memory", pytest.param("nats", marks=pytest.mark.integration)])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Makes connected buses on one server; the streams are there."""
    made: list[Bus] = []
    server = MemoryServer()
    url = request.getfixturevalue("servers").settings.nats.url if request.param == "nats" else ""

    async def make(name: str) -> Bus:
        transport: Transport = NatsTransport(url, name) if url else MemoryTransport(server)
        one = Bus(transport, name)
        await one.connect()
        await one.ensure_streams()
        made.append(one)
        return one

    yield make
    for one in made:
        await one.close()


async def answer_context(envelope: Envelope[IdempotencyClaim]) -> IdempotencyState:
    return IdempotencyState(state="new", resource_id=envelope.data.key)


async def test_a_request_is_answered_with_the_typed_payload(bus: Make) -> None:
    server, client = await bus("server"), await bus("client")
    await server.serve(CLAIM_KEY, answer_context)
    answer = await client.request(CLAIM_KEY, ASKED)
    assert answer == IdempotencyState(state="new", resource_id="x")


async def test_nobody_listening_is_known_at_once(bus: Make) -> None:
    client = await bus("client")
    started = time.monotonic()
    with pytest.raises(Unavailable):
        await client.request(CLAIM_KEY, ASKED, seconds=30)
    assert time.monotonic() - started < 5


async def test_patience_waits_for_a_server_that_comes(bus: Make) -> None:
    server, client = await bus("server"), await bus("client")
    asked = asyncio.create_task(client.request(CLAIM_KEY, ASKED, patience=20))
    await asyncio.sleep(0.2)
    assert not asked.done()
    await server.serve(CLAIM_KEY, answer_context)
    assert (await asked).resource_id == "x"


async def test_errors_arrive_with_their_kind(bus: Make) -> None:
    async def refuse(envelope: Envelope[IdempotencyClaim]) -> IdempotencyState:
        raise NotFound("no such thing")

    server, client = await bus("server"), await bus("client")
    await server.serve(CLAIM_KEY, refuse)
    with pytest.raises(NotFound, match="no such thing"):
        await client.request(CLAIM_KEY, ASKED)


async def test_a_body_of_the_wrong_form_is_refused_with_pointers(bus: Make) -> None:
    server, client = await bus("server"), await bus("client")
    await server.serve(CLAIM_KEY, answer_context)
    wrong = replace(CLAIM_KEY, asks=TurnWake)
    with pytest.raises(InvalidInput) as caught:
        await client.request(wrong, IdempotencyState(state="new", resource_id="UTC"))
    assert [v.pointer for v in caught.value.violations] == ["/owner", "/key", "/fingerprint"]


async def test_a_late_answer_is_a_deadline_error(bus: Make) -> None:
    async def sleep(envelope: Envelope[IdempotencyClaim]) -> IdempotencyState:
        await asyncio.sleep(2)
        return IdempotencyState(state="new", resource_id="late")

    server, client = await bus("server"), await bus("client")
    await server.serve(CLAIM_KEY, sleep)
    with pytest.raises(DeadlineExceeded):
        await client.request(CLAIM_KEY, ASKED, seconds=0.3)


async def test_a_request_inherits_the_deadline_of_its_scope(bus: Make) -> None:
    seen: list[float | None] = []

    async def look(envelope: Envelope[IdempotencyClaim]) -> IdempotencyState:
        seen.append(envelope.deadline)
        return IdempotencyState(state="new", resource_id="UTC")

    server, client = await bus("server"), await bus("client")
    await server.serve(CLAIM_KEY, look)
    deadline = time.monotonic() + 3
    with deadline_scope(deadline):
        await client.request(CLAIM_KEY, ASKED, seconds=60)
    assert seen == [pytest.approx(deadline, abs=1e-5)]


async def test_a_queue_group_shares_and_drains(bus: Make) -> None:
    counts = {"a": 0, "b": 0}
    first, second, client = await bus("a"), await bus("b"), await bus("client")
    for one in (first, second):

        async def count(envelope: Envelope[IdempotencyClaim], name: str = one.name) -> IdempotencyState:
            counts[name] += 1
            return IdempotencyState(state="new", resource_id=name)

        await one.serve(CLAIM_KEY, count)
    for _ in range(60):
        await client.request(CLAIM_KEY, ASKED)
    assert sum(counts.values()) == 60  # each request went to one of them
    assert min(counts.values()) > 0
    await first.drain()
    answers = [await client.request(CLAIM_KEY, ASKED) for _ in range(20)]
    assert {answer.resource_id for answer in answers} == {"b"}


async def test_gather_hears_everybody(bus: Make) -> None:
    client = await bus("client")
    for name in ("a", "b", "c"):
        one = await bus(name)

        async def report(envelope: Envelope[MetricsRequest], name: str = name) -> MetricsReport:
            return MetricsReport(pool=name, process=name, families=())

        await one.serve(METRICS, report)
    reports = await client.gather(METRICS, MetricsRequest(), within=0.5)
    assert sorted(report.pool for report in reports) == ["a", "b", "c"]


async def test_an_event_reaches_all_subscribers(bus: Make) -> None:
    heard: list[str] = []

    async def hear(wake: TurnWake) -> None:
        heard.append(wake.session_id)

    first, second = await bus("a"), await bus("b")
    await first.subscribe(TURN_WAKE, hear, subject=TURN_WAKE.subject())
    await second.subscribe(TURN_WAKE, hear, subject=TURN_WAKE.subject())
    await first.flush()
    await second.publish(TURN_WAKE, TurnWake(session_id="s"))

    async def both() -> bool:
        return heard == ["s", "s"]

    await eventually(both)


def chunk(turn: str, number: int) -> ReplyChunk:
    return ReplyChunk(session_id=SESSION, turn_id=turn, sequence=number, chunk=f"part {number}")


async def append(bus: Bus, turn: str, number: int, expected: int) -> int:
    return await bus.append(
        REPLY_LOG,
        chunk(turn, number),
        kind="reply.chunk",
        expected=Last(REPLY_LOG.subject(session=SESSION, turn=turn), expected),
        id=f"{turn}:{number}",
        session=SESSION,
        turn=turn,
    )


async def test_a_stream_numbers_refuses_and_reads_from_anywhere(bus: Make) -> None:
    writer, turn = await bus("writer"), uuid.uuid4().hex
    first = await append(writer, turn, 0, 0)
    second = await append(writer, turn, 1, first)
    with pytest.raises(SequenceConflict):
        await append(writer, turn, 1, first)
    third = await append(writer, turn, 2, second)
    all_of_them = await writer.read(REPLY_LOG, session=SESSION, turn=turn)
    assert [item.sequence for item in all_of_them] == [first, second, third]
    assert [item.headers["ce-id"] for item in all_of_them] == [f"{turn}:{n}" for n in range(3)]
    assert [s.sequence for s in await writer.read(REPLY_LOG, after=first, session=SESSION, turn=turn)] == [
        second,
        third,
    ]
    assert await writer.read(REPLY_LOG, session=SESSION, turn=uuid.uuid4().hex) == []


async def test_who_moves_the_fence_shuts_the_others_out(bus: Make) -> None:
    """What is sent is stored in its order ahead of what is appended; behind a moved fence nothing is stored."""
    former, later, turn = await bus("former"), await bus("later"), uuid.uuid4().hex
    parts = {"session": SESSION, "turn": turn}
    open_fence = Last(REPLY_FENCE.subject(**parts), 0)
    for number in range(3):
        await former.send(
            REPLY_LOG, chunk(turn, number), kind="x", expected=open_fence, id=f"{turn}:{number}", **parts
        )
    await former.append(REPLY_LOG, chunk(turn, 3), kind="x", expected=open_fence, id=f"{turn}:3", **parts)
    moved = await later.append(
        REPLY_FENCE, ReplyFence(epoch=2, life="later"), kind="x", expected=open_fence, id=turn, **parts
    )
    await former.send(REPLY_LOG, chunk(turn, 4), kind="x", expected=open_fence, id=f"{turn}:4", **parts)
    with pytest.raises(SequenceConflict):
        await former.append(REPLY_LOG, chunk(turn, 5), kind="x", expected=open_fence, id=f"{turn}:5", **parts)
    behind = Last(open_fence.subject, moved)
    await later.append(REPLY_LOG, chunk(turn, 6), kind="x", expected=behind, id=f"{turn}:6", **parts)
    stored = await later.read(REPLY_LOG, **parts)
    assert [item.headers["ce-id"] for item in stored] == [f"{turn}:{n}" for n in (0, 1, 2, 3, 6)]


async def test_more_than_one_batch_of_a_stream_is_read_in_order(bus: Make) -> None:
    writer, turn = await bus("writer"), uuid.uuid4().hex
    last = 0
    for number in range(25):
        last = await append(writer, turn, number, last)
    read: list[int] = []
    after = 0
    while batch := await writer.read(REPLY_LOG, after=after, limit=10, session=SESSION, turn=turn):
        assert len(batch) <= 10
        read += [item.sequence for item in batch]
        after = read[-1]
    assert len(read) == 25
    assert read == sorted(read)


async def test_replies_are_republished_to_followers_and_purged_with_their_session(bus: Make) -> None:
    writer, turn = await bus("writer"), uuid.uuid4().hex
    heard: list[int] = []

    async def hear(event: ReplyChunk) -> None:
        heard.append(event.sequence)

    await writer.subscribe(REPLY, hear, subject=REPLY.subject(session=SESSION, turn=turn))
    last = 0
    for number in range(3):
        last = await append(writer, turn, number, last)

    async def all_three() -> bool:
        return heard == [0, 1, 2]

    await eventually(all_three)
    await writer.purge(REPLY_LOG, session=SESSION)
    assert await writer.read(REPLY_LOG, session=SESSION, turn=turn) == []


async def test_a_consumer_gets_what_was_published_before_it_came_and_again_until_acknowledged(
    bus: Make,
) -> None:
    publisher, reader = await bus("publisher"), await bus("reader")
    key = uuid.uuid4().hex
    await publisher.publish(TURN_EVENT, SubmitTurn(content=key))
    attempts: list[int] = []

    async def take(delivery: Delivery) -> None:
        if key.encode() in delivery.packet.body:
            attempts.append(delivery.attempt)
            if len(attempts) < 3:
                await delivery.again(0.05)
                return
        await delivery.acknowledge()

    await reader.consume(TURN_READER, take)

    async def thrice() -> bool:
        return attempts == [1, 2, 3]

    await eventually(thrice)
