"""JetStream: streams and durable consumers, made where they are missing, and the reading of a consumer.

The API is called directly: the client library's own configuration lags behind the server's options, and its pull
takes a message for the server's word whenever a client puts a `Status` into the headers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from actors.platform.bus.transport import OnDelivery, Packet, captured
from schemas.subjects import Consumer, Stream

log = structlog.get_logger(__name__)

API_SECONDS = 5.0
RESTORE_SECONDS = 0.5  # between two attempts
NANOSECONDS = 1_000_000_000
FIRST_READ = timedelta(hours=24)
"""A consumer that has to be made again begins this far back: as long as repeated submissions are recognised."""


class Refused(RuntimeError):
    """JetStream said no, or is not there; the message says which."""


class Streams:
    """The streams that this connection needs. A server that came back without its disk gets them again: what they
    held is stored in PostgreSQL, or was lost with that disk."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._wanted: dict[str, Stream] = {}
        self._restoring: asyncio.Task[None] | None = None

    async def ensure(self, stream: Stream) -> None:
        """Creates it or brings its settings up to date. Raises Refused, TimeoutError or a nats error."""
        self._wanted[stream.name] = stream
        exists = await self.api(f"STREAM.INFO.{stream.name}", {})
        verb = "CREATE" if "error" in exists else "UPDATE"
        _check(await self.api(f"STREAM.{verb}.{stream.name}", _stream_config(stream)), stream.name)

    async def ensure_consumer(self, consumer: Consumer) -> None:
        """Raises as `ensure`."""
        stream = captured(consumer)
        await self.ensure(stream)
        answer = await self.api(f"CONSUMER.INFO.{stream.name}.{consumer.name}", {})
        if "error" in answer:
            wanted = {"stream_name": stream.name, "config": _consumer_config(consumer)}
            verb = f"CONSUMER.CREATE.{stream.name}.{consumer.name}"
            _check(await self.api(verb, wanted), consumer.name)

    async def purge(self, stream: Stream, subject: str) -> None:
        await self.api(f"STREAM.PURGE.{stream.name}", {"filter": subject})

    def restore(self) -> None:
        """Makes what is missing, in the background: after a reconnection, or when a stream does not answer."""
        if self._wanted and (self._restoring is None or self._restoring.done()):
            self._restoring = asyncio.create_task(self._restore())

    async def close(self) -> None:
        if self._restoring is not None:
            self._restoring.cancel()
            await asyncio.gather(self._restoring, return_exceptions=True)

    async def api(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused where there is no JetStream, TimeoutError or a nats error."""
        asked = json.dumps(body).encode()
        try:
            message = await self._client.request(f"$JS.API.{verb}", asked, timeout=API_SECONDS)
        except nats.errors.NoRespondersError as error:
            raise Refused("this NATS server has no JetStream: start it with -js, or give it disk") from error
        return json.loads(message.data)

    async def _restore(self) -> None:
        said = ""
        while True:
            try:
                for stream in tuple(self._wanted.values()):
                    await self.ensure(stream)
            except (Refused, OSError, TimeoutError, nats.errors.Error) as error:
                if repr(error) != said:
                    log.warning("bus.streams_missing", error=repr(error))
                said = repr(error)
                await asyncio.sleep(RESTORE_SECONDS)
            else:
                return


class NatsDelivery:
    def __init__(self, message: Msg, packet: Packet) -> None:
        known = message.metadata
        self._message = message
        self.packet = packet
        self.attempt = known.num_delivered or 1
        # The time too: a stream that was made again counts from 1 again.
        self.identity = f"{known.stream}:{known.sequence.stream}:{known.timestamp.timestamp()}"

    async def acknowledge(self) -> None:
        await self._message.ack_sync(timeout=API_SECONDS)  # pyright: ignore[reportArgumentType] - seconds

    async def again(self, after_seconds: float) -> None:
        await self._message.nak(delay=after_seconds)


class PullReader:
    """Asks for small batches; one is handled before the next is asked for (back-pressure)."""

    BATCH = 64
    WAIT_SECONDS = 0.5

    def __init__(self, client: Client, streams: Streams, consumer: Consumer, handler: OnDelivery) -> None:
        self._client = client
        self._streams = streams
        self._consumer = consumer
        self._handler = handler
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def drain(self) -> None:
        self._stopping.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        inbox = self._client.new_inbox()
        answers = await self._client.subscribe(inbox)
        while not self._stopping.is_set():
            tasks: list[asyncio.Task[None]] = []
            try:
                async for message in self._batch(inbox, answers):
                    tasks.append(asyncio.create_task(self._handle(message)))
            except (Refused, OSError, TimeoutError, nats.errors.Error) as error:
                log.warning("bus.consumer", error=repr(error))
                await asyncio.sleep(self.WAIT_SECONDS)
                self._streams.restore()
            await asyncio.gather(*tasks)
        if not self._client.is_closed:
            await answers.unsubscribe()

    async def _batch(self, inbox: str, answers: Subscription) -> AsyncIterator[Msg]:
        """Raises Refused where the consumer has gone; it is made again first."""
        wanted = {"batch": self.BATCH, "expires": int(self.WAIT_SECONDS * NANOSECONDS)}
        name = f"{captured(self._consumer).name}.{self._consumer.name}"
        await self._client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{name}", json.dumps(wanted).encode(), reply=inbox)
        for _ in range(self.BATCH):
            message = await answers.next_msg(timeout=self.WAIT_SECONDS + API_SECONDS)
            if message.reply:  # only what a stream delivers is to be acknowledged
                yield message
                continue
            status = (message.headers or {}).get("Status", "")
            if status in ("404", "408"):
                return  # nothing more has come; that is the normal state
            await self._streams.ensure_consumer(self._consumer)
            raise Refused(f"the consumer {name} did not answer ({status}); it is there again")

    async def _handle(self, message: Msg) -> None:
        try:
            await self._handler(NatsDelivery(message, packet(message)))
        except Exception:
            # Not acknowledged: it is delivered again after ack_wait. One bad message must not end the reading.
            log.exception("bus.consumer.unacknowledged")


def packet(message: Msg) -> Packet:
    return Packet(message.subject, message.data, message.headers or {}, message.reply)


def _check(answer: dict[str, Any], name: str) -> None:
    if "error" in answer:
        raise Refused(f"JetStream refused {name}: {answer['error']['description']}")


def _consumer_config(consumer: Consumer) -> dict[str, Any]:
    return {
        "durable_name": consumer.name,
        "filter_subject": consumer.event.pattern,
        "ack_policy": "explicit",
        "ack_wait": int(consumer.ack_wait_seconds * NANOSECONDS),
        "max_deliver": consumer.max_deliver,
        "max_ack_pending": 1024,
        "deliver_policy": "by_start_time",
        "opt_start_time": (datetime.now(UTC) - FIRST_READ).isoformat(),
    }


def _stream_config(stream: Stream) -> dict[str, Any]:
    config: dict[str, Any] = {
        "name": stream.name,
        "subjects": list(stream.subjects),
        "retention": "limits",
        "storage": "file",
        "num_replicas": 1,
        "discard": "old",
        "max_age": int(stream.max_age_seconds * 1e9),
        "max_bytes": stream.max_bytes,
        "max_consumers": -1,
        "max_msgs": -1,
        "duplicate_window": int(min(120, stream.max_age_seconds) * 1e9),
        "allow_direct": True,
    }
    if stream.async_persist:
        config["persist_mode"] = "async"
    if stream.republish:
        config["republish"] = {"src": stream.republish[0], "dest": stream.republish[1]}
    return config
