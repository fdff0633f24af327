"""The typed bus: payloads in, payloads out; problems, deadlines, identity and trace context on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import structlog
from pydantic import BaseModel, TypeAdapter, ValidationError

from actors.platform.bus import codec
from actors.platform.bus.deadline import written
from actors.platform.bus.ids import new_ulid
from actors.platform.bus.transport import (
    Closable,
    Delivery,
    Drainable,
    Last,
    NoAnswer,
    NobodyListens,
    Packet,
    Stored,
    Transport,
)
from actors.platform.telemetry import Telemetry
from schemas.envelope import DEADLINE, Envelope, now
from schemas.errors import CopilotError, DeadlineExceeded, Internal, TooLarge, Unavailable
from schemas.subjects import STREAMS, Consumer, Event, Request, Stream

log = structlog.get_logger(__name__)

AsksT = TypeVar("AsksT", bound=BaseModel)
AnswersT = TypeVar("AnswersT", bound=BaseModel)
Handler = Callable[[Envelope[AsksT]], Awaitable[AnswersT]]

DEFAULT_SECONDS = 10.0
ATTEMPTS = 3
ANSWER_RESERVE = 4_096  # headers travel beside the body within max_payload
MAX_IN_FLIGHT = 2_048  # handlers of one subject at a time; beyond it callers are told to come back

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline_scope(at: float | None) -> Generator[None]:
    """Requests inside inherit this deadline (of the monotonic clock), unless an earlier one holds already."""
    held = [deadline for deadline in (_deadline.get(), at) if deadline is not None]
    token = _deadline.set(min(held, default=None))
    try:
        yield
    finally:
        _deadline.reset(token)


class Subscription:
    def __init__(self, inner: Closable) -> None:
        self._inner = inner

    async def close(self) -> None:
        await self._inner.unsubscribe()


class Bus:
    """`name` is the process's slot (`nlp-0`, `gateway-0`); it is the `ce-source` of what it says."""

    def __init__(self, transport: Transport, name: str, telemetry: Telemetry | None = None) -> None:
        self._transport = transport
        self._name = name
        self._telemetry = telemetry or Telemetry.silent(name)
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscriptions: list[Drainable] = []

    async def connect(self) -> None:
        await self._transport.connect()

    async def ensure_streams(self) -> None:
        for stream in STREAMS:
            await self._transport.ensure_stream(stream)

    async def flush(self) -> None:
        """After this, what was subscribed is heard."""
        await self._transport.flush()

    async def round_trip(self, within: float) -> float:
        """Seconds to the server and back. Raises TimeoutError after `within`, or what the transport raises."""
        started = time.perf_counter()
        flushing = asyncio.create_task(self._transport.flush())
        done, _ = await asyncio.wait((flushing,), timeout=within)
        if not done:
            # Left to end by itself: an answer to one that was cancelled would disturb the connection.
            flushing.add_done_callback(_heard)
            raise TimeoutError(f"no answer from the bus within {within:g} s")
        flushing.result()
        return time.perf_counter() - started

    @property
    def connected(self) -> bool:
        return self._transport.connected

    @property
    def generation(self) -> int:
        """Rises with every new connection: what was sent through the one before may be lost."""
        return self._transport.generation

    @property
    def name(self) -> str:
        return self._name

    async def drain(self) -> None:
        """Takes nothing new, finishes what was taken."""
        await asyncio.gather(*(subscription.drain() for subscription in self._subscriptions))
        self._subscriptions.clear()
        while self._tasks:
            await asyncio.gather(*tuple(self._tasks), return_exceptions=True)

    async def close(self) -> None:
        await self.drain()
        await self._transport.close()

    # --- saying ------------------------------------------------------------------------------------

    async def request(
        self,
        request: Request[Any, AnswersT],
        payload: BaseModel,
        *,
        seconds: float = DEFAULT_SECONDS,
        patience: float = 0.0,
        id: str | None = None,
        source: str | None = None,
        authorization: str | None = None,
        once: bool = False,
        tell: str | None = None,
        **parts: str,
    ) -> AnswersT:
        """Asks and returns the typed answer, or raises the error that the other side named.

        An answer that does not come within a third of the time is asked for again, unless `once`: a twin that was
        just stopped may have swallowed the request, or a connection that broke. With `patience` seconds a subject
        that nobody serves is tried again that long; without it `Unavailable` is raised at once.
        """
        subject = request.subject(**parts)
        deadline = self._deadline(seconds)
        with self._telemetry.client_span(request.type) as span:
            envelope = self._envelope(request.type, payload, deadline, id, source, authorization, tell)
            body = payload.model_dump_json().encode()
            self._check_size(body)
            headers = {**envelope.headers(), **span.headers()}
            answer = await self._exchange(subject, body, headers, deadline, patience, once)
        problem = codec.problem_of(answer)
        if problem is not None:
            raise problem
        return request.answers.model_validate_json(answer.body)

    async def gather(
        self, request: Request[Any, AnswersT], payload: BaseModel, *, within: float, enough: int = 0
    ) -> list[AnswersT]:
        """Asks every process and returns what came within so many seconds, or, when `enough` is not 0, as soon
        as that many have answered."""
        envelope = self._envelope(request.type, payload, None, None, None, None)
        headers = {**envelope.headers(), DEADLINE: written(time.monotonic() + within)}
        packets = await self._transport.gather(
            request.subject(), payload.model_dump_json().encode(), headers, within, enough
        )
        good = [packet for packet in packets if codec.problem_of(packet) is None]
        return [request.answers.model_validate_json(packet.body) for packet in good]

    async def publish(self, event: Event[Any], payload: BaseModel, **parts: str) -> None:
        envelope = self._envelope(event.type, payload, None, None, None, None)
        headers = {**envelope.headers(), **self._telemetry.current_headers()}
        await self._transport.publish(event.subject(**parts), payload.model_dump_json().encode(), headers)

    async def publish_body(self, event: Event[Any], body: bytes, *, kind: str, id: str, **parts: str) -> None:
        """Publishes what is JSON already; `kind` becomes `ce-type`, `id` `ce-id`. Raises NoAnswer when the bus is
        away for so long that nothing more can be kept; `flush` says whether the server has it."""
        headers = Envelope(id, self._name, kind, None, now()).headers()
        await self._transport.publish(event.subject(**parts), body, headers)

    async def append(
        self,
        event: Event[Any],
        payload: BaseModel,
        *,
        kind: str,
        expected: Last | None,
        id: str,
        source: str | None = None,
        authorization: str | None = None,
        **parts: str,
    ) -> int:
        """Writes to the event's stream; see `Transport.append`. `kind` becomes `ce-type`, `id` `ce-id`."""
        envelope = self._envelope(kind, payload, None, id, source, authorization)
        headers = {**envelope.headers(), **self._telemetry.current_headers()}
        body = payload.model_dump_json().encode()
        with self._telemetry.timed_append():
            return await self._transport.append(event.subject(**parts), body, headers, expected)

    async def append_once(
        self, event: Event[Any], payload: BaseModel, *, kind: str, id: str, **parts: str
    ) -> None:
        """The same; the stream itself drops an id that comes again within its window."""
        headers = {**self._envelope(kind, payload, None, id, None, None).headers(), "Nats-Msg-Id": id}
        await self._transport.append(event.subject(**parts), payload.model_dump_json().encode(), headers, None)

    async def send(
        self, event: Event[Any], payload: BaseModel, *, kind: str, expected: Last | None, id: str, **parts: str
    ) -> None:
        """Writes to the event's stream without waiting; see `Transport.send`."""
        envelope = self._envelope(kind, payload, None, id, None, None)
        headers = {**envelope.headers(), **self._telemetry.current_headers()}
        await self._transport.send(event.subject(**parts), payload.model_dump_json().encode(), headers, expected)

    async def read(self, event: Event[Any], *, after: int = 0, limit: int = 1_000, **parts: str) -> list[Stored]:
        stream = _stream_of(event)
        return await self._transport.read(stream, event.subject(**parts), after, limit)

    async def purge(self, event: Event[Any], *, session: str) -> None:
        await self._transport.purge(_stream_of(event), event.all_of(session))

    # --- listening ---------------------------------------------------------------------------------

    async def serve(
        self,
        request: Request[AsksT, AnswersT],
        handler: Handler[AsksT, AnswersT],
        *,
        queue: str | None = None,
        **parts: str,
    ) -> None:
        """Answers the request's subject, sharing it with the other actors of the pool that serves it."""
        slots = asyncio.Semaphore(MAX_IN_FLIGHT)

        async def received(packet: Packet) -> None:
            # Callbacks of one subscription run one after another: the work goes into a task of its own.
            if slots.locked():
                await self._answer(packet, Unavailable(f"{self._name} has too many requests in hand", after=0.5))
                return
            await slots.acquire()
            self._spawn(self._serve_one(request, handler, packet)).add_done_callback(lambda task: slots.release())

        group = "" if request.everyone else queue or request.served_by
        self._subscriptions.append(await self._transport.listen(request.subject(**parts), group, received))
        await self._transport.flush()  # who asks from another connection is heard from now on

    async def subscribe(
        self, event: Event[Any], callback: Callable[[Any], Awaitable[None]], *, subject: str
    ) -> Subscription:
        """Every message of `subject` (built from the event), decoded; kept out of any queue group."""
        adapter = _adapter(event)

        async def received(packet: Packet) -> None:
            try:
                payload = adapter.validate_json(packet.body)
            except ValidationError as error:
                log.warning("bus.undecodable", subject=packet.subject, error=str(error))
                return
            await callback(payload)

        return Subscription(await self._transport.listen(subject, "", received))

    async def consume(self, consumer: Consumer, handler: Callable[[Delivery], Awaitable[None]]) -> None:
        self._subscriptions.append(await self._transport.consume(consumer, handler))

    # --- inside ------------------------------------------------------------------------------------

    async def _serve_one(self, request: Request[Any, Any], handler: Handler[Any, Any], packet: Packet) -> None:
        with self._telemetry.server_span(request.type, packet.headers) as span:
            try:
                envelope = codec.decode(packet, request.asks)
                envelope.remaining(0.0)
                with deadline_scope(envelope.deadline):
                    answer = await handler(envelope)
            except CopilotError as error:
                span.failed(error)
                await self._answer(packet, error)
            except Exception as error:
                # The border of the process: whatever went wrong is logged in full and told without insides.
                log.exception("bus.handler", subject=packet.subject)
                span.failed(error)
                await self._answer(packet, Internal("an unexpected error; the log of the actor has the details"))
            else:
                await self._answer(packet, answer)

    async def _answer(self, packet: Packet, answer: BaseModel | CopilotError) -> None:
        if not packet.reply:
            return
        body, headers = codec.answer(answer)
        if len(body) > self._transport.max_payload - ANSWER_RESERVE:
            body, headers = codec.answer(TooLarge("the answer is larger than the bus carries"))
        await self._transport.publish(packet.reply, body, headers)

    async def _exchange(
        self, subject: str, body: bytes, headers: dict[str, str], deadline: float, patience: float, once: bool
    ) -> Packet:
        patient_until = time.monotonic() + patience
        turn = (deadline - time.monotonic()) / (1 if once else ATTEMPTS)
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise DeadlineExceeded(f"no answer on {subject} in time")
            try:
                sent = {**headers, DEADLINE: written(deadline)}
                return await self._transport.request(subject, body, sent, min(left, turn))
            except NobodyListens as error:
                if time.monotonic() >= min(patient_until, deadline):
                    raise Unavailable(f"nobody serves {subject} at the moment", after=1.0) from error
                await asyncio.sleep(0.05)
            except NoAnswer as error:
                if once:
                    raise DeadlineExceeded(f"no answer on {subject} in time") from error

    def _deadline(self, seconds: float) -> float:
        inherited = _deadline.get()
        own = time.monotonic() + seconds
        return own if inherited is None else min(own, inherited)

    def _envelope(
        self,
        kind: str,
        payload: BaseModel,
        deadline: float | None,
        id: str | None,
        source: str | None,
        authorization: str | None,
        tell: str | None = None,
    ) -> Envelope[Any]:
        return Envelope(
            id=id or new_ulid(),
            source=source or self._name,
            type=kind,
            data=payload,
            time=now(),
            deadline=deadline,
            authorization=authorization,
            tell=tell,
        )

    def _check_size(self, body: bytes) -> None:
        limit = self._transport.max_payload - ANSWER_RESERVE
        if len(body) > limit:
            raise TooLarge(f"the body has {len(body)} bytes; the bus carries {limit}")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _heard(task: asyncio.Task[None]) -> None:
    """Nobody waits for its outcome any more."""
    if not task.cancelled():
        task.exception()


_ADAPTERS: dict[str, TypeAdapter[Any]] = {}


def _adapter(event: Event[Any]) -> TypeAdapter[Any]:
    """Built once an event: building one takes longer than handling a hundred messages."""
    if event.pattern not in _ADAPTERS:
        _ADAPTERS[event.pattern] = TypeAdapter(event.tells)
    return _ADAPTERS[event.pattern]


def _stream_of(event: Event[Any]) -> Stream:
    if event.stream is None:
        raise ValueError(f"{event.pattern} is not kept in a stream")
    return event.stream
