"""The transport in one process, for unit tests. It keeps the promises that the real one keeps: nobody
listening is known at once, queue groups share, streams number, refuse and redeliver."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from collections import defaultdict
from dataclasses import dataclass, field

from actors.platform.bus.transport import (
    Last,
    NoAnswer,
    NobodyListens,
    OnDelivery,
    OnPacket,
    Packet,
    SequenceConflict,
    Stored,
    captured,
)
from schemas.subjects import STREAMS, Consumer, Stream


def matches(pattern: str, subject: str) -> bool:
    """NATS wildcards: `*` one token, `>` one or more at the end."""
    wanted, given = pattern.split("."), subject.split(".")
    for position, part in enumerate(wanted):
        if part == ">":
            return len(given) > position
        if position >= len(given) or part not in ("*", given[position]):
            return False
    return len(wanted) == len(given)


@dataclass(eq=False)
class _Listener:
    subject: str
    queue: str
    handler: OnPacket
    server: MemoryServer
    pending: asyncio.Queue[Packet] = field(default_factory=asyncio.Queue[Packet])
    task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            packet = await self.pending.get()
            try:
                await self.handler(packet)
            finally:
                self.pending.task_done()

    async def drain(self) -> None:
        self.server.listeners.discard(self)
        await self.pending.join()
        await self._stop()

    async def unsubscribe(self) -> None:
        self.server.listeners.discard(self)
        await self._stop()

    async def _stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


@dataclass(eq=False)
class _Consumer:
    """A durable consumer: what it has taken, and the readers that share it."""

    wanted: Consumer
    done: set[int] = field(default_factory=set[int])
    attempts: dict[int, int] = field(default_factory=lambda: defaultdict[int, int](int))
    inbox: asyncio.Queue[int] = field(default_factory=asyncio.Queue[int])


@dataclass
class MemoryServer:
    """What several MemoryTransports share."""

    listeners: set[_Listener] = field(default_factory=set[_Listener])
    stored: dict[str, list[tuple[int, Packet]]] = field(
        default_factory=lambda: defaultdict[str, list[tuple[int, Packet]]](list)
    )
    consumers: dict[str, _Consumer] = field(default_factory=dict[str, _Consumer])
    inboxes: itertools.count[int] = field(default_factory=itertools.count)

    def deliver(self, packet: Packet) -> int:
        """Returns how many listeners got it."""
        groups: dict[tuple[str, str], list[_Listener]] = defaultdict(list)
        alone: list[_Listener] = []
        for listener in self.listeners:
            if matches(listener.subject, packet.subject):
                (groups[listener.subject, listener.queue] if listener.queue else alone).append(listener)
        chosen = alone + [random.choice(group) for group in groups.values()]  # noqa: S311 - spreads load
        for listener in chosen:
            listener.pending.put_nowait(packet)
        return len(chosen)

    def store(self, stream: Stream, packet: Packet, expected: Last | None) -> int:
        kept = self.stored[stream.name]
        if expected is not None:
            last = max((seq for seq, other in kept if other.subject == expected.subject), default=0)
            if expected.sequence != last:
                raise SequenceConflict(packet.subject)
        sequence = kept[-1][0] + 1 if kept else 1
        kept.append((sequence, packet))
        for consumer in self.consumers.values():
            if matches(consumer.wanted.event.pattern, packet.subject):
                consumer.inbox.put_nowait(sequence)
        if stream.republish and matches(stream.republish[0], packet.subject):
            source, destination = (part.removesuffix(">") for part in stream.republish)
            subject = destination + packet.subject.removeprefix(source)
            self.deliver(Packet(subject, packet.body, {**packet.headers, "Nats-Sequence": str(sequence)}))
        return sequence


class MemoryTransport:
    def __init__(self, server: MemoryServer) -> None:
        self._server = server
        self._connected = False

    async def connect(self) -> None:
        self._connected = True

    async def close(self) -> None:
        self._connected = False

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def generation(self) -> int:
        return 0

    @property
    def max_payload(self) -> int:
        return 12 << 20

    async def publish(self, subject: str, body: bytes, headers: dict[str, str], reply: str = "") -> None:
        packet = Packet(subject, body, dict(headers), reply)
        stream = _capturing(subject)
        if stream is not None:
            self._server.store(stream, packet, None)
        self._server.deliver(packet)

    async def request(self, subject: str, body: bytes, headers: dict[str, str], timeout: float) -> Packet:
        answer: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()

        async def answered(packet: Packet) -> None:
            if not answer.done():
                answer.set_result(packet)

        inbox = f"_INBOX_internal.{next(self._server.inboxes)}"
        listener = await self.listen(inbox, "", answered)
        try:
            if not self._server.deliver(Packet(subject, body, dict(headers), inbox)):
                raise NobodyListens(subject)
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError as error:
            raise NoAnswer(subject) from error
        finally:
            await listener.unsubscribe()

    async def gather(
        self, subject: str, body: bytes, headers: dict[str, str], within: float, enough: int = 0
    ) -> list[Packet]:
        answers: list[Packet] = []
        complete = asyncio.Event()

        async def answered(packet: Packet) -> None:
            answers.append(packet)
            if len(answers) == enough:
                complete.set()

        inbox = f"_INBOX_internal.{next(self._server.inboxes)}"
        listener = await self.listen(inbox, "", answered)
        if self._server.deliver(Packet(subject, body, dict(headers), inbox)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await complete.wait()
        await listener.unsubscribe()
        return answers

    async def listen(self, subject: str, queue: str, handler: OnPacket) -> _Listener:
        listener = _Listener(subject, queue, handler, self._server)
        self._server.listeners.add(listener)
        listener.start()
        return listener

    async def flush(self) -> None:
        """Nothing is ever on its way."""

    async def ensure_stream(self, stream: Stream) -> None:
        """Streams are there from the start."""

    async def append(self, subject: str, body: bytes, headers: dict[str, str], expected: Last | None) -> int:
        stream = _capturing(subject)
        if stream is None:
            raise NobodyListens(subject)
        return self._server.store(stream, Packet(subject, body, dict(headers)), expected)

    async def send(self, subject: str, body: bytes, headers: dict[str, str], expected: Last | None) -> None:
        with contextlib.suppress(SequenceConflict):  # nobody waits for the answer
            await self.append(subject, body, headers, expected)

    async def read(self, stream: Stream, subject: str, after: int, limit: int) -> list[Stored]:
        found = [
            Stored(sequence, packet.body, packet.headers)
            for sequence, packet in self._server.stored[stream.name]
            if sequence > after and matches(subject, packet.subject)
        ]
        return found[:limit]

    async def purge(self, stream: Stream, subject: str) -> None:
        kept = self._server.stored[stream.name]
        kept[:] = [item for item in kept if not matches(subject, item[1].subject)]

    async def consume(self, consumer: Consumer, handler: OnDelivery) -> _Reader:
        stream = captured(consumer)
        state = self._server.consumers.get(consumer.name)
        if state is None:
            state = self._server.consumers[consumer.name] = _Consumer(consumer)
            for sequence, packet in self._server.stored[stream.name]:
                if matches(consumer.event.pattern, packet.subject):
                    state.inbox.put_nowait(sequence)
        reader = _Reader(self._server, state, handler)
        reader.start()
        return reader


@dataclass(eq=False)
class _Delivery:
    packet: Packet
    attempt: int
    identity: str
    sequence: int
    state: _Consumer
    settled: bool = False

    async def acknowledge(self) -> None:
        self.settled = True
        self.state.done.add(self.sequence)

    async def again(self, after_seconds: float) -> None:
        self.settled = True
        await asyncio.sleep(after_seconds)
        self.state.inbox.put_nowait(self.sequence)


class _Reader:
    def __init__(self, server: MemoryServer, state: _Consumer, handler: OnDelivery) -> None:
        self._server, self._state, self._handler = server, state, handler
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def drain(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        stream = captured(self._state.wanted)
        while True:
            sequence = await self._state.inbox.get()
            packet = next((p for seq, p in self._server.stored[stream.name] if seq == sequence), None)
            if packet is None or sequence in self._state.done:
                continue
            if 0 <= self._state.wanted.max_deliver <= self._state.attempts[sequence]:
                continue  # like JetStream: past max_deliver it just stays
            self._state.attempts[sequence] += 1
            identity = f"{stream.name}:{sequence}"
            delivery = _Delivery(packet, self._state.attempts[sequence], identity, sequence, self._state)
            await self._handler(delivery)
            if not delivery.settled:
                self._state.inbox.put_nowait(sequence)


def _capturing(subject: str) -> Stream | None:
    return next(
        (stream for stream in STREAMS if any(matches(pattern, subject) for pattern in stream.subjects)), None
    )
