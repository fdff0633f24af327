"""The transport over NATS and JetStream."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import nats
import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import APIError

from actors.platform.bus.jetstream import PullReader, Streams, packet
from actors.platform.bus.sturdy import SturdyClient
from actors.platform.bus.transport import (
    Last,
    NoAnswer,
    NobodyListens,
    OnDelivery,
    OnPacket,
    Packet,
    SequenceConflict,
    Stored,
)
from schemas.subjects import Consumer, Stream

log = structlog.get_logger(__name__)

INBOXES = "_INBOX"  # what every client library's begin with
INBOX = "_INBOX_internal"  # client credentials may not listen below this prefix
WRONG_LAST_SEQUENCE = 10071  # JetStream's error code for a failed Nats-Expected-Last-Subject-Sequence
EXPECTED_LAST = "Nats-Expected-Last-Subject-Sequence"
EXPECTED_LAST_OF = "Nats-Expected-Last-Subject-Sequence-Subject"  # nats-server 2.12
CONNECT_ERRORS = (OSError, TimeoutError, nats.errors.Error)  # what a first connection may raise
SAY_SECONDS = 10.0
PENDING_MESSAGES = 65_536
PENDING_BYTES = 256 << 20


class NatsTransport:
    """One connection. Reconnects for ever; requests in the meantime fail at their own deadline."""

    def __init__(self, url: str, name: str, on_change: Callable[[bool], None] | None = None) -> None:
        self._url = url
        self._name = name
        self._on_change = on_change or _ignore
        self._client = SturdyClient()
        self._said = float("-inf")
        self._joined = False
        self._jetstream = self._client.jetstream()
        self._streams = Streams(self._client)

    async def connect(self) -> None:
        """Raises OSError or a nats error when the first connection fails; the caller decides to wait."""
        await self._client.connect(
            servers=[self._url],
            name=self._name,
            inbox_prefix=INBOX,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.1,  # pyright: ignore[reportArgumentType] - seconds; fractions work
            connect_timeout=2,
            ping_interval=2,
            max_outstanding_pings=2,
            drain_timeout=10,
            error_cb=self._failed,
            disconnected_cb=self._changed(False),
            reconnected_cb=self._changed(True),
        )
        self._joined = True
        self._on_change(True)

    async def close(self) -> None:
        await self._streams.close()
        if self._client.is_connected:
            await self._client.flush(timeout=2)
        await self._client.close()

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    @property
    def generation(self) -> int:
        return self._client.stats["reconnects"]

    @property
    def max_payload(self) -> int:
        return self._client.max_payload

    def _check_joined(self) -> None:
        """Raises ConnectionClosedError before the first connection, where the library does not fail cleanly."""
        if not self._joined:
            raise nats.errors.ConnectionClosedError

    async def publish(self, subject: str, body: bytes, headers: dict[str, str], reply: str = "") -> None:
        self._check_joined()
        try:
            await self._client.publish(subject, body, reply=reply, headers=headers or None)
        except (nats.errors.OutboundBufferLimitError, nats.errors.ConnectionClosedError) as error:
            raise NoAnswer(subject) from error

    async def request(self, subject: str, body: bytes, headers: dict[str, str], timeout: float) -> Packet:
        self._check_joined()
        try:
            message = await self._client.request(subject, body, timeout=timeout, headers=headers)
        except nats.errors.NoRespondersError as error:
            raise NobodyListens(subject) from error
        except (nats.errors.TimeoutError, nats.errors.ConnectionClosedError) as error:
            raise NoAnswer(subject) from error
        return packet(message)

    async def gather(
        self, subject: str, body: bytes, headers: dict[str, str], within: float, enough: int = 0
    ) -> list[Packet]:
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        answers: list[Packet] = []
        try:
            await self._client.publish(subject, body, reply=inbox, headers=headers)
            async with asyncio.timeout(within):
                while True:
                    message = await subscription.next_msg(timeout=within)
                    if _status(message) == "503":
                        return answers
                    answers.append(packet(message))
                    if len(answers) == enough:
                        return answers
        except (TimeoutError, nats.errors.TimeoutError):
            return answers  # the time to wait is how long a scatter lasts, not a failure
        finally:
            await subscription.unsubscribe()

    async def listen(self, subject: str, queue: str, handler: OnPacket) -> Subscription:
        async def received(message: Msg) -> None:
            await handler(_answerable(packet(message)))

        self._check_joined()
        return await self._client.subscribe(
            subject,
            queue=queue,
            cb=received,
            pending_msgs_limit=PENDING_MESSAGES,
            pending_bytes_limit=PENDING_BYTES,
        )

    async def flush(self) -> None:
        self._check_joined()
        try:
            await self._client.flush(timeout=5)
        except (nats.errors.Error, TimeoutError) as error:
            raise NoAnswer("the server") from error

    async def ensure_stream(self, stream: Stream) -> None:
        self._check_joined()
        await self._streams.ensure(stream)

    async def append(self, subject: str, body: bytes, headers: dict[str, str], expected: Last | None) -> int:
        try:
            ack = await self._jetstream.publish(subject, body, timeout=5, headers=_guarded(headers, expected))
        except APIError as error:
            if error.err_code == WRONG_LAST_SEQUENCE:
                raise SequenceConflict(subject) from error
            raise
        except nats.errors.TimeoutError as error:
            raise NoAnswer(subject) from error
        except nats.errors.NoRespondersError as error:
            self._streams.restore()  # no stream takes the subject: the server came back without its disk
            raise NobodyListens(subject) from error
        return ack.seq

    async def send(self, subject: str, body: bytes, headers: dict[str, str], expected: Last | None) -> None:
        # Without a reply subject the server stores it and acknowledges to nobody.
        await self._client.publish(subject, body, headers=_guarded(headers, expected))

    async def read(self, stream: Stream, subject: str, after: int, limit: int) -> list[Stored]:
        """A batched direct get (nats-server 2.11): one request, the messages, then an end-of-batch mark."""
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        query = {"seq": after + 1, "next_by_subj": subject, "batch": limit}
        found: list[Stored] = []
        try:
            await self._client.publish(
                f"$JS.API.DIRECT.GET.{stream.name}", json.dumps(query).encode(), reply=inbox
            )
            while True:
                message = await subscription.next_msg(timeout=5)
                if _status(message):
                    return _finished(message, found)
                found.append(_stored(message))
        except nats.errors.TimeoutError as error:
            raise NoAnswer(subject) from error
        finally:
            await subscription.unsubscribe()

    async def purge(self, stream: Stream, subject: str) -> None:
        await self._streams.purge(stream, subject)

    async def consume(self, consumer: Consumer, handler: OnDelivery) -> PullReader:
        await self._streams.ensure_consumer(consumer)
        reader = PullReader(self._client, self._streams, consumer, handler)
        reader.start()
        return reader

    async def _failed(self, error: Exception) -> None:
        """The library reports each of its ten attempts a second; one line in SAY_SECONDS is enough."""
        if time.monotonic() - self._said > SAY_SECONDS:
            self._said = time.monotonic()
            log.warning("bus.error", name=self._name, error=repr(error))

    def _changed(self, connected: bool) -> Callable[[], Awaitable[None]]:
        async def changed() -> None:
            if connected:
                self._streams.restore()
            self._on_change(connected)

        return changed


def _ignore(connected: bool) -> None:
    """Nobody wants to know."""


def _guarded(headers: dict[str, str], expected: Last | None) -> dict[str, str]:
    if expected is None:
        return headers
    return {**headers, EXPECTED_LAST: str(expected.sequence), EXPECTED_LAST_OF: expected.subject}


def _answerable(received: Packet) -> Packet:
    """Without the reply subject where that is no inbox: what we answer there, we would say in our own name, and no
    client may choose where."""
    return received if received.reply.startswith(INBOXES) else replace(received, reply="")


def _status(message: Msg) -> str | None:
    return (message.headers or {}).get("Status") if not message.data else None


def _finished(message: Msg, found: list[Stored]) -> list[Stored]:
    status = _status(message)
    if status in {"204", "404"}:  # end of batch; nothing (more) there
        return found
    raise RuntimeError(f"JetStream refused to read: {status} {(message.headers or {}).get('Description')}")


def _stored(message: Msg) -> Stored:
    headers = message.headers or {}
    return Stored(int(headers["Nats-Sequence"]), message.data, headers)
