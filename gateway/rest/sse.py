"""Reply events as server-sent events."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

import structlog
from aiohttp import web

from gateway.connection import Connection
from gateway.streams import KEEP_ALIVE_SECONDS, SLOW_SECONDS, patience
from schemas.conversation import ReplyEvent

log = structlog.get_logger(__name__)

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class EventStream:
    """Use in `async with`; a comment goes out whenever nothing else did for KEEP_ALIVE_SECONDS."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response = web.StreamResponse(headers=HEADERS)
        self._last = 0.0
        self._beat: asyncio.Task[None] | None = None

    async def __aenter__(self) -> EventStream:
        await self.response.prepare(self._request)
        if isinstance(self._request.protocol, Connection):
            self._request.protocol.streams()
        self._last = time.monotonic()
        self._beat = asyncio.create_task(self._keep_alive())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """A reader that has gone ends the stream and is no error: its turn goes on, and it may resume."""
        if self._beat is not None:
            self._beat.cancel()
            await asyncio.gather(self._beat, return_exceptions=True)
        if not isinstance(error, ConnectionResetError):
            return False
        log.info("sse.reader_gone", path=self._request.path)
        return True

    async def send(self, event: ReplyEvent) -> None:
        """Raises ConnectionResetError when the reader is gone or has taken nothing for SLOW_SECONDS."""
        name, position = event.type, f"{event.turn_id}:{event.sequence}"
        await self._write(f"event: {name}\nid: {position}\ndata: {event.model_dump_json()}\n\n")

    async def comment(self, text: str) -> None:
        await self._write(f": {text}\n\n")

    async def _write(self, text: str) -> None:
        self._last = time.monotonic()
        with patience(SLOW_SECONDS, self._request):
            await self.response.write(text.encode())

    async def _keep_alive(self) -> None:
        while True:
            idle = time.monotonic() - self._last
            await asyncio.sleep(max(0.1, KEEP_ALIVE_SECONDS - idle))
            if time.monotonic() - self._last >= KEEP_ALIVE_SECONDS:
                try:
                    await self.comment("keep-alive")
                except ConnectionResetError:
                    # Nobody reads; the handler may be waiting for an event that never comes.
                    self._request.task.cancel()
                    return
