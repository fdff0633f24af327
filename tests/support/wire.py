"""Bytes on a socket, as no client library would send them; and what a process holds."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """Fails for what is not one of our problems."""
        assert self.headers["content-type"] == "application/problem+json", self
        found = json.loads(self.body)
        assert found["status"] == self.status
        assert {"type", "title", "detail", "request_id"} <= set(found)
        return found


async def opened(url: str, source: str | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """`source` is the address of the client's end: all of 127/8 is ours."""
    parts = urlsplit(url)
    local = (source, 0) if source else None
    return await asyncio.open_connection(parts.hostname, parts.port, local_addr=local)


async def told(url: str, sent: bytes, *, half: bool = False, seconds: float = 15.0) -> list[Answer]:
    """Everything that is answered to these bytes until the server closes the connection. `half`: our side is
    closed once they are sent."""
    reader, writer = await opened(url)
    try:
        writer.write(sent)
        if half:
            writer.write_eof()
        async with asyncio.timeout(seconds):
            return answers(await reader.read())
    finally:
        writer.close()


def answers(received: bytes) -> list[Answer]:
    found: list[Answer] = []
    while received:
        head, separator, rest = received.partition(b"\r\n\r\n")
        assert separator, received
        first, *lines = head.decode("latin-1").split("\r\n")
        assert first.startswith("HTTP/1."), first
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        assert "content-length" in headers, headers
        size = int(headers["content-length"])
        found.append(Answer(int(first.split(" ")[1]), headers, rest[:size]))
        received = rest[size:]
    return found


def vanish(writer: asyncio.StreamWriter) -> None:
    """The connection is reset: what a client does that is killed, or pulled off the net."""
    stream: socket.socket = writer.get_extra_info("socket")
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@dataclass(frozen=True)
class Held:
    """What a process holds now."""

    descriptors: int
    resident_bytes: int

    @classmethod
    def by(cls, pid: int) -> Held:
        status = Path(f"/proc/{pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
        return cls(len(list(Path(f"/proc/{pid}/fd").iterdir())), resident << 10)
