"""Free ports on the loopback interface."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

from actors.embedded.errors import ServerUnavailable

LOOPBACK = "127.0.0.1"
TRIES = 3


def free(preferred: int) -> int:
    """`preferred` where nobody listens on it, else any free port. 0 prefers none."""
    if preferred and _can_listen(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


async def start_on_free(preferred: int, start: Callable[[int], Awaitable[None]]) -> int:
    """Calls `start` with a free port, with another one when it failed and the port was taken meanwhile."""
    for left in reversed(range(TRIES)):
        port = free(preferred)
        try:
            await start(port)
        except ServerUnavailable:
            if not left or _can_listen(port):
                raise
        else:
            return port
    raise AssertionError("unreachable: the last try returns or raises")


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        # A closed connection's TIME_WAIT does not count; the servers set the same option.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True
