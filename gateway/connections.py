"""How many HTTP and WebSocket connections are open, and which of them waits for what.

    idle ──first byte──▶ head ──its end──▶ busy ──answered──▶ idle

One that is idle, or still sends the head of its request, costs nobody anything when it is closed: beyond the bound
the one that has been so for longest makes room. Where all are busy the newcomer is refused.
"""

from __future__ import annotations

import asyncio
import resource
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from prometheus_client import Gauge

from actors.platform.config import LimitSettings
from schemas.errors import CopilotError, TooSlow, Unavailable

HEAD_SECONDS = 10.0  # from the first byte of a request to the end of its head
IDLE_SECONDS = 75.0  # without a request; longer than the proxies in front of it usually keep theirs
LOOK_SECONDS = 0.5
FRAMES_BYTES = 256 << 20  # of WebSocket messages that are still coming in, all sockets together
SPARE_DESCRIPTORS = 256  # for the bus, Redis, logs and files


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many at most: of HTTP and WebSocket, of these from one address, and of gRPC."""

    http: int
    http_per_address: int
    grpc: int

    @classmethod
    def of(cls, limits: LimitSettings, descriptors: int) -> Bounds:
        """As the settings say, or fewer where the system gives fewer descriptors."""
        grpc = min(limits.grpc_connections, descriptors // 8)
        spare = min(SPARE_DESCRIPTORS, descriptors // 4)
        http = min(limits.connections, descriptors - spare - grpc)
        return cls(http, min(limits.connections_per_address, http * 3 // 4), grpc)


def raise_descriptors() -> int:
    """As many as the system lets this process have; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Waiting(Protocol):
    """A connection that may be closed. `address` is the peer's, without its port."""

    address: str

    @property
    def quiet(self) -> bool:
        """Whether all that it was answered has gone out."""
        ...

    def evict(self, error: CopilotError) -> None:
        """Closes it; one that has begun a request is told why."""
        ...


class Connections:
    def __init__(self, bounds: Bounds, gauge: Gauge) -> None:
        self._bounds = bounds
        self._gauge = gauge
        self._by_address: Counter[str] = Counter()
        self._open = 0
        self._idle: OrderedDict[Waiting, float] = OrderedDict()
        self._heads: OrderedDict[Waiting, float] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._frames_bytes = 0

    def watch(self) -> None:
        """From now on whatever dawdles is closed."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self.watch)
        self._gauge.set(self._open)
        now = asyncio.get_running_loop().time()
        slow = TooSlow(f"a request has {HEAD_SECONDS:g} s for its head")
        for connection in tuple(_since(self._heads, now - HEAD_SECONDS)):
            connection.evict(slow)
        for connection in tuple(_since(self._idle, now - IDLE_SECONDS)):
            connection.evict(slow)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def arrived(self, connection: Waiting) -> bool:
        """False where there is no room for it."""
        if not self._room(connection.address):
            return False
        self._open += 1
        self._by_address[connection.address] += 1
        self.is_idle(connection)
        return True

    def left(self, connection: Waiting) -> None:
        self._open -= 1
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        self.is_busy(connection)

    def has_begun(self, connection: Waiting) -> bool:
        """Whether part of a request's head has come."""
        return connection in self._heads

    def sends_head(self, connection: Waiting) -> None:
        if self._idle.pop(connection, None) is not None:
            self._heads[connection] = asyncio.get_running_loop().time()

    def is_busy(self, connection: Waiting) -> None:
        self._idle.pop(connection, None)
        self._heads.pop(connection, None)

    def is_idle(self, connection: Waiting) -> None:
        self._idle[connection] = asyncio.get_running_loop().time()

    def hold(self, more: int) -> bool:
        """Counts bytes of WebSocket messages that are not whole yet; False where they are too many together."""
        self._frames_bytes += more
        return self._frames_bytes <= FRAMES_BYTES

    def _room(self, address: str) -> bool:
        if self._by_address[address] >= self._bounds.http_per_address:
            return self._make_room(address)
        return self._open < self._bounds.http or self._make_room(None)

    def _make_room(self, address: str | None) -> bool:
        """By closing one of this address, or of any. Slow heads go first: only who idles sends them slowly."""
        now = asyncio.get_running_loop().time()
        for waiting, then in ((self._heads, now - 1.0), (self._idle, now), (self._heads, now)):
            for connection in _since(waiting, then):
                if address in (None, connection.address) and connection.quiet:
                    connection.evict(Unavailable("too many connections are open", after=1.0))
                    return True
        return False


def _since(waiting: OrderedDict[Waiting, float], then: float) -> Iterator[Waiting]:
    """Those that have been waiting since then or longer, the longest first."""
    return (connection for connection, _ in takewhile(lambda item: item[1] <= then, waiting.items()))
