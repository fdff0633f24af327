"""How many streams are open: shown as a metric and bounded per user."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import structlog
from aiohttp import web
from prometheus_client import Gauge

from schemas.errors import RateLimited

log = structlog.get_logger(__name__)

STREAMS_PER_USER = 1_024  # server-sent events, sockets and gRPC calls together
SLOW_SECONDS = 30.0  # a reader that takes nothing for this long loses its stream
KEEP_ALIVE_SECONDS = 15.0


@contextmanager
def patience(seconds: float, request: web.Request) -> Generator[None]:
    """Cuts the connection when what is inside has not been written after so many seconds.

    A timeout would not do: aiohttp's writers of one connection wait for one shared future, and cancelling one
    of them cancels the others.
    """
    timer = asyncio.get_running_loop().call_later(seconds, _cut, request)
    try:
        yield
    finally:
        timer.cancel()


def _cut(request: web.Request) -> None:
    log.warning("stream.slow_reader", path=request.path)
    if request.transport is not None:
        request.transport.abort()


class Streams:
    def __init__(self, gauge: Gauge, per_user: int = STREAMS_PER_USER) -> None:
        self._gauge = gauge
        self._per_user = per_user
        self._open: Counter[str] = Counter()

    @contextmanager
    def opened(self, owner: str, protocol: str) -> Generator[None]:
        """Raises RateLimited when the user has too many streams already."""
        if self._open[owner] >= self._per_user:
            raise RateLimited(f"{self._per_user} streams are open; close one first", after=5.0)
        self._open[owner] += 1
        gauge = self._gauge.labels(protocol)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]
