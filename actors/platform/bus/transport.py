"""What a bus must be able to do, in bytes. `nats.py` and `memory.py` pass one contract suite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from schemas.subjects import Consumer, Stream


class NobodyListens(Exception):
    """A request found no responder; known at once, without waiting."""


class NoAnswer(Exception):
    """The time for the answer has passed."""


class SequenceConflict(Exception):
    """Somebody else has written to the subject since: the writer no longer owns it."""


@dataclass(frozen=True, slots=True)
class Packet:
    subject: str
    body: bytes
    headers: dict[str, str]
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message of a stream; `sequence` is the stream's, not the turn's."""

    sequence: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Last:
    """What a writer takes for granted: the newest message on `subject` has this number in the stream (0: there is
    none). `subject` need not be the one that is written to."""

    subject: str
    sequence: int


class Delivery(Protocol):
    """One message of a durable consumer."""

    packet: Packet
    attempt: int
    identity: str
    """The same at every attempt, and no other message's."""

    async def acknowledge(self) -> None:
        """Returns once the stream has recorded it."""
        ...

    async def again(self, after_seconds: float) -> None: ...


class Drainable(Protocol):
    async def drain(self) -> None:
        """Takes nothing new; returns when what was delivered has been handed over."""
        ...


class Closable(Drainable, Protocol):
    async def unsubscribe(self) -> None:
        """Stops at once; what was delivered and not yet handed over is dropped."""
        ...


OnPacket = Callable[[Packet], Awaitable[None]]
OnDelivery = Callable[[Delivery], Awaitable[None]]


def captured(consumer: Consumer) -> Stream:
    """The stream that a consumer reads. Raises ValueError where its event is not kept."""
    if consumer.event.stream is None:
        raise ValueError(f"{consumer.event.pattern} is not kept in a stream")
    return consumer.event.stream


class Transport(Protocol):
    async def connect(self) -> None: ...
    async def close(self) -> None: ...
    @property
    def connected(self) -> bool: ...
    @property
    def generation(self) -> int:
        """Rises with every new connection to the server; what was sent through the one before may be lost."""
        ...

    @property
    def max_payload(self) -> int: ...

    async def publish(self, subject: str, body: bytes, headers: dict[str, str], reply: str = "") -> None:
        """Raises NoAnswer when it cannot even be kept for later."""
        ...

    async def request(self, subject: str, body: bytes, headers: dict[str, str], timeout: float) -> Packet:
        """Raises NobodyListens at once, NoAnswer after `timeout` seconds."""
        ...

    async def gather(
        self, subject: str, body: bytes, headers: dict[str, str], within: float, enough: int = 0
    ) -> list[Packet]:
        """Every answer that arrives within so many seconds; returns early at `enough` answers (0: never)."""
        ...

    async def listen(self, subject: str, queue: str, handler: OnPacket) -> Closable:
        """With a queue name one listener of that name gets each message; with "" all do."""
        ...

    async def flush(self) -> None:
        """Returns when the server knows of every subscription and has every message that was published. Raises
        NoAnswer."""
        ...

    async def ensure_stream(self, stream: Stream) -> None: ...

    async def append(self, subject: str, body: bytes, headers: dict[str, str], expected: Last | None) -> int:
        """Returns the stream's sequence once it is stored. Raises SequenceConflict where `expected` does not
        hold."""
        ...

    async def send(self, subject: str, body: bytes, headers: dict[str, str], expected: Last | None) -> None:
        """Writes to a stream without waiting. What is sent through one connection is stored in that order, ahead
        of a later `append`; where `expected` does not hold nothing is stored, and nobody is told."""
        ...

    async def read(self, stream: Stream, subject: str, after: int, limit: int) -> list[Stored]:
        """Messages of the subject (wildcards allowed) with a sequence above `after`, in order."""
        ...

    async def purge(self, stream: Stream, subject: str) -> None: ...

    async def consume(self, consumer: Consumer, handler: OnDelivery) -> Drainable: ...
