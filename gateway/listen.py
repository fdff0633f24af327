"""Where the gateway listens. A taken port is no reason not to start: another one is taken, and said."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass

BACKLOG = 2_048


@dataclass(frozen=True, slots=True)
class Addresses:
    """`http` is a base URL, `grpc` is `host:port`."""

    http: str
    grpc: str


def open_socket(host: str, port: int, what: str, say: Callable[[str], None]) -> socket.socket:
    """Listens on `port`, or on a free one when it is taken. Raises OSError where the host cannot be bound."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(opened, address, what, say)
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened


def _bind(opened: socket.socket, address: tuple[object, ...], what: str, say: Callable[[str], None]) -> None:
    try:
        opened.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        opened.bind((address[0], 0, *address[2:]))
        say(f"port {address[1]} is taken: {what} listens on port {opened.getsockname()[1]} instead")


def shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
