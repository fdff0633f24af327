"""Whether a server answers at a URL, asked in its own protocol where that is one line."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
import psycopg
import redis.asyncio
import redis.exceptions

SECONDS = 3.0
NATS_PORT = 4222


async def reach(url: str) -> str:
    """Why nothing usable answers there; empty when something does."""
    scheme = urlsplit(url.split(",", maxsplit=1)[0]).scheme
    probe = _PROBES.get(scheme)
    if probe is None:
        return f"{scheme or 'no scheme'} is not one of {', '.join(sorted(_PROBES))}"
    try:
        async with asyncio.timeout(SECONDS):
            return await probe(url)
    except TimeoutError:
        return f"no answer within {SECONDS:g} s"
    except (OSError, ValueError, psycopg.Error, redis.exceptions.RedisError, aiohttp.ClientError) as error:
        return " ".join(str(error).split()) or type(error).__name__


async def _postgresql(url: str) -> str:
    async with await psycopg.AsyncConnection.connect(url, connect_timeout=int(SECONDS)):
        return ""


async def _redis(url: str) -> str:
    client = redis.asyncio.Redis.from_url(url)
    try:
        await client.ping()  # pyright: ignore[reportGeneralTypeIssues, reportUnknownMemberType] - sync and async share it
    finally:
        await client.aclose()
    return ""


async def _nats(url: str) -> str:
    """One of the named servers is enough. It greets everybody; whether it lets us in is seen at the start."""
    problem = ""
    for one in url.split(","):
        parts = urlsplit(one.strip())
        try:
            reader, writer = await asyncio.open_connection(parts.hostname or "127.0.0.1", parts.port or NATS_PORT)
        except OSError as error:
            problem = str(error)
            continue
        greeting = await reader.readline()
        writer.close()
        if greeting.startswith(b"INFO "):
            return ""
        problem = "what answers there is not NATS"
    return problem


async def _http(url: str) -> str:
    """Any answer will do: what it is, its adapter finds out."""
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False):
        return ""


_PROBES = {
    "postgresql": _postgresql,
    "postgres": _postgresql,
    "redis": _redis,
    "rediss": _redis,
    "unix": _redis,
    "nats": _nats,
    "tls": _nats,
    "http": _http,
    "https": _http,
}
