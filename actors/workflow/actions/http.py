"""`core.http`: one exchange with a server of the open internet, or with one that the configuration lists."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from actors.workflow.actions.addresses import Allowed, CheckedResolver, Refused, check_literal
from actors.workflow.actions.engine import parsed
from actors.workflow.actions.http_asks import LARGEST_BODY_BYTES, READING, HttpAnswer, HttpAsks
from actors.workflow.actions.port import Call, Happened
from schemas.adapters import ActionClass
from schemas.errors import BackendUnavailable, DeadlineExceeded, Forbidden, InvalidInput, RateLimited, TooLarge
from schemas.identity import Permission

LATER_STATUSES = frozenset({408, 425, 502, 503, 504})
"""The server, or one on the way, says that it may work later; 429 does so with a time."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SECRET_HEADERS = frozenset({"authorization", "cookie"})
MOST_HEADERS = 100
LONGEST_RETRY_AFTER = 3_600.0


@dataclass(frozen=True, slots=True)
class _Hop:
    method: str
    url: URL
    headers: dict[str, str]
    body: bytes | None


class HttpAction:
    """`allow` as in `[workflow] http_allow`; raises ValueError for an entry that is none."""

    effect: ActionClass = "keyed"
    permission: Permission | None = None
    interruptible = False
    """The server may go on with what it was asked, although nobody waits for it any longer."""

    def __init__(self, allow: tuple[str, ...], seconds: float) -> None:
        self._allowed = Allowed.of(allow)
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def run(self, call: Call) -> Any:
        asked = parsed(HttpAsks, call.input)
        seconds = self._seconds if call.seconds is None else call.seconds
        try:
            async with asyncio.timeout(seconds):
                answer = await self._follow(asked, _first(asked, call.effect_key))
        except TimeoutError as error:
            raise DeadlineExceeded(f"{_shown(asked)}: no answer within {seconds:.3g} s") from error
        _judge(asked, answer)
        return answer.model_dump(mode="json")

    async def probe(self, call: Call) -> Happened | None:
        raise TypeError("only `probe` actions are asked whether they have happened")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _follow(self, asked: HttpAsks, hop: _Hop) -> HttpAnswer:
        for _ in range(asked.redirects + 1):
            answer, location = await self._exchange(asked, hop)
            if location is None:
                return answer
            hop = _next(hop, answer.status, location)
        raise InvalidInput(f"{_shown(asked)}: more than {asked.redirects} redirects")

    async def _exchange(self, asked: HttpAsks, hop: _Hop) -> tuple[HttpAnswer, str | None]:
        check_literal(hop.url, self._allowed)
        try:
            async with self._client().request(
                hop.method, hop.url, headers=hop.headers, data=hop.body, allow_redirects=False
            ) as response:
                return await _read(response, hop.url), _location(asked, response)
        except Refused as error:
            raise Forbidden(str(error)) from error
        except (aiohttp.InvalidURL, ValueError) as error:
            raise InvalidInput(f"{_shown(asked)}: not an address that can be asked") from error
        except (aiohttp.ClientError, OSError) as error:
            raise BackendUnavailable(f"{_shown(asked)}: {_why(error)}") from error

    def _client(self) -> aiohttp.ClientSession:
        """No cookies, no proxy from the environment, no connection kept: each is checked when it is made."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=CheckedResolver(self._allowed), use_dns_cache=False, force_close=True
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=aiohttp.ClientTimeout(total=None),
                headers={"User-Agent": "llm-copilot-agent", "Accept-Encoding": "identity"},
            )
        return self._session


def _first(asked: HttpAsks, key: str) -> _Hop:
    headers = dict(asked.headers)
    names = {name.lower() for name in headers}
    if asked.method not in READING and "idempotency-key" not in names:
        headers["Idempotency-Key"] = key
    body = asked.body.encode() if asked.body is not None else None
    if asked.json_ is not None:
        body = json.dumps(asked.json_).encode()
        headers.update({} if "content-type" in names else {"Content-Type": "application/json"})
    elif body is not None and "content-type" not in names:
        headers["Content-Type"] = "text/plain; charset=utf-8"
    if body is not None and len(body) > LARGEST_BODY_BYTES:
        raise TooLarge(f"core.http sends at most {LARGEST_BODY_BYTES >> 10} KB")
    return _Hop(asked.method, _address(asked.url).update_query(_query(asked)), headers, body)


def _query(asked: HttpAsks) -> dict[str, str]:
    return {
        name: json.dumps(value) if isinstance(value, bool) else str(value) for name, value in asked.query.items()
    }


def _address(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError as error:
        raise InvalidInput(f"{text[:200]!r} is no address") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidInput(f"{text[:200]!r}: only http and https addresses are asked")
    if url.user or url.password:
        raise InvalidInput("credentials belong into a header, not into the address: addresses are logged")
    return url.with_fragment(None)


def _next(hop: _Hop, status: int, location: str) -> _Hop:
    """303, and what everybody does with a POST that is answered 301 or 302: go on with GET."""
    url = _address(str(hop.url.join(URL(location))))
    if hop.url.scheme == "https" and url.scheme == "http":
        raise InvalidInput("a redirect from https to http is not followed")
    becomes_get = status == 303 or (status in (301, 302) and hop.method == "POST")
    drop = set(SECRET_HEADERS) if url.origin() != hop.url.origin() else set[str]()
    if becomes_get and hop.method != "HEAD":
        drop |= {"content-type", "idempotency-key"}
        hop = _Hop("GET", hop.url, hop.headers, None)
    kept = {name: value for name, value in hop.headers.items() if name.lower() not in drop}
    return _Hop(hop.method, url, kept, hop.body)


def _location(asked: HttpAsks, response: aiohttp.ClientResponse) -> str | None:
    if response.status not in REDIRECTS or response.status in asked.expect or not asked.redirects:
        return None
    return response.headers.get("Location")


async def _read(response: aiohttp.ClientResponse, url: URL) -> HttpAnswer:
    raw = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        raw += chunk
        if len(raw) > LARGEST_BODY_BYTES:
            break
    truncated = len(raw) > LARGEST_BODY_BYTES
    headers: dict[str, str] = {}
    for name, value in list(response.headers.items())[:MOST_HEADERS]:
        small = name.lower()
        headers[small] = f"{headers[small]}, {value}" if small in headers else value
    body = _body(response, bytes(raw[:LARGEST_BODY_BYTES]), truncated)
    return HttpAnswer(status=response.status, headers=headers, body=body, truncated=truncated, url=str(url))


def _body(response: aiohttp.ClientResponse, raw: bytes, truncated: bool) -> Any:
    kind = response.content_type
    if (kind == "application/json" or kind.endswith("+json")) and not truncated:
        try:
            return json.loads(raw) if raw else None
        except (ValueError, RecursionError):
            pass  # what calls itself JSON and is none is told as the text that it is
    try:
        return raw.decode(response.charset or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _judge(asked: HttpAsks, answer: HttpAnswer) -> None:
    expected = answer.status in asked.expect if asked.expect else 200 <= answer.status < 300
    if expected:
        return
    said = f"{_shown(asked)} answered {answer.status}"
    if answer.status == 429:
        raise RateLimited(said, after=_after(answer))
    if answer.status in LATER_STATUSES:
        raise BackendUnavailable(said, after=_after(answer))
    raise InvalidInput(said)


def _after(answer: HttpAnswer) -> float | None:
    text = answer.headers.get("retry-after", "")
    return min(float(text), LONGEST_RETRY_AFTER) if text.isascii() and text.isdigit() else None


def _shown(asked: HttpAsks) -> str:
    """Without the query: tokens travel there."""
    return f"{asked.method} {asked.url.partition('?')[0][:200]}"


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return "its certificate or TLS is not in order"
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientPayloadError):
        return "it closed the connection before its answer was complete"
    if isinstance(error, aiohttp.ClientConnectorError | OSError):
        return "it cannot be reached"
    return type(error).__name__
