"""Reading bodies: no larger, no slower and no more of them at once than the gateway can hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from schemas.errors import MalformedBody, TooLarge, TooSlow, Unavailable

GRACE_SECONDS = 10.0
BYTES_PER_SECOND = 16_384  # beyond the grace a body comes at least this fast
HELD_BYTES = 256 << 20  # of all bodies together, unpacked
BODY = web.RequestKey("body", bytes)


class Bodies:
    """`largest` is in bytes, unpacked."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._held = 0

    async def read(self, request: web.Request) -> bytes:
        """The whole body; again the same. Raises TooLarge, TooSlow, MalformedBody for one that does not arrive as
        its headers say, Unavailable while too much else is coming in."""
        if BODY not in request:
            request[BODY] = await self._read(request)
        return request[BODY]

    def release(self, request: web.Request) -> None:
        """The request has been answered; its body is not needed any more."""
        self._held -= len(request.get(BODY, b""))

    async def _read(self, request: web.Request) -> bytes:
        body = bytearray()
        try:
            async for chunk in _chunks(request):
                body += chunk
                self._hold(len(chunk), body)
        except BaseException as error:
            self._held -= len(body)
            if isinstance(error, TimeoutError):
                raise TooSlow(f"after {GRACE_SECONDS:g} s a body comes at {BYTES_PER_SECOND} bytes/s") from error
            if isinstance(error, ClientPayloadError | HttpProcessingError | web.RequestPayloadError):
                raise MalformedBody("the body does not arrive as its headers say") from error
            raise
        return bytes(body)

    def _hold(self, more: int, body: bytearray) -> None:
        self._held += more
        if len(body) > self._largest:
            raise TooLarge(f"a body has at most {self._largest} bytes")
        if self._held > HELD_BYTES:
            raise Unavailable("too many large bodies are coming in at the moment", after=1.0)


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    """Raises TimeoutError for one that comes more slowly than it may, and what aiohttp raises."""
    content, received = request.content, 0
    latest = asyncio.get_running_loop().time() + GRACE_SECONDS
    while not content.at_eof():
        if content.is_eof():
            chunk = content.read_nowait()
        else:
            async with asyncio.timeout_at(latest + received / BYTES_PER_SECOND):
                chunk = await content.readany()
        received += len(chunk)
        yield chunk
