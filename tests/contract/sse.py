"""Reading server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass(frozen=True)
class ServerSent:
    event: str
    id: str
    data: dict[str, Any]


async def server_sent(response: aiohttp.ClientResponse) -> AsyncIterator[ServerSent]:
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line and fields:
            yield ServerSent(fields["event"], fields["id"], json.loads(fields["data"]))
            fields = {}
