"""One HTTP address of a backend: every call bounded in time and size, measured, and its failures named."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from actors.adapters.deadline import time_left
from actors.adapters.port import Wiring
from schemas.errors import BackendUnavailable, InvalidInput

LARGEST_ANSWER_BYTES = 16 << 20
LONGEST_QUERY_STRING = 4_096
"""Beyond it the parameters go into a form: proxies refuse long addresses."""

Parameters = Mapping[str, str]
Requesting = AbstractAsyncContextManager[aiohttp.ClientResponse]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Named:
    """How a backend is called: in metrics, in sentences, and the setting that says where it is."""

    key: str
    title: str
    setting: str


class _TooLarge(Exception):
    """The answer passed the limit; the rest was not read."""


class Endpoint:
    """`url` as configured, credentials in it allowed; empty means that there is none."""

    def __init__(self, named: Named, url: str, wiring: Wiring, seconds: float) -> None:
        self._named = named
        self._http = wiring.http
        self._meter = wiring.meter
        self._seconds = seconds
        self.configured = bool(url.strip())
        self._base = _address(url)

    @property
    def shown(self) -> str:
        """The backend and its address, without credentials."""
        where = f" at {self._base.with_user(None)}" if self._base is not None else ""
        return f"{self._named.title}{where}"

    async def get(self, path: str, parameters: Parameters | None = None, *, seconds: float | None = None) -> Reply:
        """Any status below 300 or above 399 is a Reply.

        Raises BackendUnavailable where there is no address, no answer within `seconds` (the configured ones
        unless given), or a redirect; InvalidInput where the answer is larger than 16 MB.
        """
        base = self._known_address()
        return await self._ask(partial(self._read, base / path, parameters or {}), seconds)

    async def post(self, path: str, body: Mapping[str, object], *, seconds: float | None = None) -> Reply:
        """The same for JSON that is sent. BackendUnavailable says nothing about whether it has arrived."""
        base = self._known_address()
        return await self._ask(partial(self._send, base / path, body), seconds)

    async def _ask(self, exchange: Callable[[aiohttp.ClientTimeout], Requesting], seconds: float | None) -> Reply:
        limit = time_left(seconds or self._seconds)
        started = time.perf_counter()
        outcome = "failed"
        try:
            async with exchange(aiohttp.ClientTimeout(total=limit)) as response:
                reply = Reply(response.status, await _bounded(response))
            outcome = _outcome(reply.status)
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except TimeoutError as error:
            outcome = "timeout"
            raise BackendUnavailable(f"{self.shown} did not answer within {limit:.3g} s") from error
        except _TooLarge as error:
            raise InvalidInput(
                f"the answer of {self.shown} is larger than {LARGEST_ANSWER_BYTES >> 20} MB: ask for less"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            outcome = "unreachable"
            raise BackendUnavailable(f"{self.shown} does not answer: {_why(error)}") from error
        finally:
            self._meter.record(self._named.key, outcome, time.perf_counter() - started)
        if 300 <= reply.status < 400:
            # Not followed: a backend must not be able to send us to another host.
            raise BackendUnavailable(f"{self.shown} redirects elsewhere (status {reply.status})")
        return reply

    def _known_address(self) -> URL:
        if self._base is not None:
            return self._base
        if self.configured:
            raise BackendUnavailable(f"{self._named.setting} is not an http(s) address: set it to one")
        raise BackendUnavailable(
            f"no {self._named.title} is configured: set {self._named.setting} to its address, "
            "for example http://127.0.0.1:9090"
        )

    def _read(self, url: URL, parameters: Parameters, timeout: aiohttp.ClientTimeout) -> Requesting:
        encoded = urlencode(parameters)
        if len(encoded) > LONGEST_QUERY_STRING:
            return self._http.post(url, data=dict(parameters), timeout=timeout, allow_redirects=False)
        target = URL(f"{url}?{encoded}", encoded=True) if encoded else url
        return self._http.get(target, timeout=timeout, allow_redirects=False)

    def _send(self, url: URL, body: Mapping[str, object], timeout: aiohttp.ClientTimeout) -> Requesting:
        return self._http.post(url, json=body, timeout=timeout, allow_redirects=False)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LARGEST_ANSWER_BYTES:
            raise _TooLarge
    return bytes(body)


def _address(url: str) -> URL | None:
    """None where it is none that HTTP can use."""
    try:
        address = URL(url.strip())
    except ValueError:
        return None
    usable = address.scheme in {"http", "https"} and bool(address.host)
    return address.with_query(None).with_fragment(None) if usable else None


def _outcome(status: int) -> str:
    if status < 300:
        return "ok"
    return "refused" if 400 <= status < 500 else "failed"


def _why(error: Exception) -> str:
    """Not the error's own text: that may repeat the address with its credentials."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved"
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError)):
        return "it closed the connection before its answer was complete"
    return type(error).__name__
