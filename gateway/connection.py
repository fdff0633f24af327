"""One HTTP or WebSocket connection: counted, cut when it dawdles, told in a problem when it is not HTTP."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import cast

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from actors.platform.bus.ids import new_ulid
from gateway import problems
from gateway.connections import IDLE_SECONDS, Connections
from gateway.streams import SLOW_SECONDS
from schemas.errors import CopilotError, HeadTooLarge, Internal, MalformedRequest, Unavailable

LINGER_SECONDS = 2.0  # a body that was refused is read this long, so that its sender sees the refusal

log = structlog.get_logger(__name__)


class Connection(web.RequestHandler):
    """`address` is the peer's, without its port."""

    __slots__ = (
        "_answered",
        "_connections",
        "_counted",
        "_frame_bytes",
        "_half_closed",
        "_slow",
        "_streams",
        "address",
    )

    def __init__(self, connections: Connections, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # pyright: ignore[reportArgumentType] - none is possible, though not declared
            keepalive_timeout=2 * IDLE_SECONDS,  # the bounds here are stricter
            lingering_time=LINGER_SECONDS,
        )
        self._connections = connections
        self._counted = False
        self._answered = 0
        self._streams = False
        self._half_closed = False
        self._frame_bytes: int | None = None
        self._slow: asyncio.TimerHandle | None = None
        self.address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        opened = cast("asyncio.Transport", transport)
        peer: tuple[object, ...] | str | None = opened.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._counted = self._connections.arrived(self)
        if self._counted:
            super().connection_made(transport)
            return
        opened.write(_raw(Unavailable("too many connections are open, and all are busy", after=1.0)))
        opened.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._leave()
        self.takes_frames(closed=True)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._frame_bytes is not None:
            if not self._holds(len(data)):
                return
        elif data:
            self._connections.sends_head(self)
        super().data_received(data)

    def begins(self) -> None:
        """The head of a request has come."""
        self._streams = False
        self._connections.is_busy(self)

    def streams(self) -> None:
        """The answer goes on for long: when the client closes its side, nobody listens any more."""
        self._streams = True

    def eof_received(self) -> bool:  # pyright: ignore[reportIncompatibleMethodOverride] - as asyncio defines it
        """Who has asked, wholly, and then closed its side still gets the answer; it is the last."""
        asked = self._current_request
        whole = asked is None or asked.content.is_eof()
        self._half_closed = whole and not self._streams and self._request_count > self._answered
        return self._half_closed

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        self._answered += 1
        if self._half_closed and self._request_count == self._answered:
            resp.force_close()
        finished = await super().finish_response(request, resp, start_time)
        if resp.keep_alive:
            request.content.on_eof(self._idles)  # what was not read of the body is still being thrown away
        return finished

    def takes_frames(self, *, closed: bool = False) -> None:
        """It is a WebSocket from now on. Called again for each message: what had to be held for it is taken."""
        self._streams = True
        self._connections.hold(-(self._frame_bytes or 0))
        self._frame_bytes = None if closed else 0

    @property
    def quiet(self) -> bool:
        return self.transport is None or not self.transport.get_write_buffer_size()

    def evict(self, error: CopilotError) -> None:
        if self.transport is not None:
            if not self.quiet:
                self.transport.abort()  # what it has not read until now it will not read
            elif self._connections.has_begun(self):
                self.transport.write(_raw(error))
        self._leave()
        self.force_close()

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered; it has SLOW_SECONDS to go on."""
        super().pause_writing()
        self._slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What cannot be read as HTTP, as a problem; the connection ends with it, since nobody knows where the
        next request would begin. Nothing of the input is echoed."""
        log.info("connection.unreadable", address=self.address, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("part of another answer has gone out")
        response = problems.answer(_unreadable(status, exc).problem(instance=request.path, request_id=new_ulid()))
        response.force_close()
        return response

    def _idles(self) -> None:
        if self._counted:
            self._connections.is_idle(self)

    def _leave(self) -> None:
        if self._counted:
            self._counted = False
            self._connections.left(self)
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _holds(self, more: int) -> bool:
        self._frame_bytes = (self._frame_bytes or 0) + more
        if self._connections.hold(more):
            return True
        log.warning("connection.too_many_frames", address=self.address, bytes=self._frame_bytes)
        self._abort()
        return False

    def _abort(self) -> None:
        log.warning("connection.cut", address=self.address)
        if self.transport is not None:
            self.transport.abort()


def _unreadable(status: int, exc: BaseException | None) -> CopilotError:
    if isinstance(exc, LineTooLong):
        return HeadTooLarge("a line of the head is longer than the server reads")
    if isinstance(exc, HttpProcessingError) or status == HTTPStatus.BAD_REQUEST:
        return MalformedRequest("this is not HTTP/1.1, or not so that the next request can be told apart")
    return Internal("an unexpected error; the log of the gateway has the details")


def _raw(error: CopilotError) -> bytes:
    """An answer for who has not asked anything that can be read."""
    response = problems.answer(error.problem(request_id=new_ulid()))
    body = response.body if isinstance(response.body, bytes) else b""
    headers = {**response.headers, "Content-Length": str(len(body)), "Connection": "close"}
    fields = (f"{name}: {text}" for name, text in headers.items())
    return "\r\n".join((f"HTTP/1.1 {response.status} {response.reason}", *fields, "", "")).encode() + body
