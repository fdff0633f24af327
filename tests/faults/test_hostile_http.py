"""HTTP as no honest client speaks it: each gets its problem, nothing gets through, and the neighbour is served."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
from collections.abc import Iterator
from urllib.parse import quote

import aiohttp
import pytest

from gateway.routes import ROUTES
from tests.faults.conftest import Target
from tests.support.waiting import eventually
from tests.support.wire import Held, answers, opened, told, vanish

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("beside")]

SECOND = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /api/v1/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

NOT_HTTP = {
    "garbage": b"\x00\x01\x02\xff\xfe\r\n\r\n",
    "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32) + b"\r\n\r\n",
    "another version": b"GET /health HTTP/9.9\r\nHost: a\r\n\r\n",
    "no version": b"GET /health\r\n\r\n",
    "a word for a method": b"GE\x00T /health HTTP/1.1\r\nHost: a\r\n\r\n",
    "a header without a colon": b"GET /health HTTP/1.1\r\nHost a\r\n\r\n",
    "a space before the colon": b"GET /health HTTP/1.1\r\nHost : a\r\n\r\n",
    "a NUL in a header": b"GET /health HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
    "a folded header": b"GET /health HTTP/1.1\r\nHost: a\r\n X: b\r\n\r\n",
    "an empty header name": b"GET /health HTTP/1.1\r\n: a\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
SMUGGLED = {
    "two lengths": POST + b"Content-Length: 4\r\nContent-Length: 40\r\n\r\n{}  ",
    "two lengths in one": POST + b"Content-Length: 4, 40\r\n\r\n{}  ",
    "length and chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks hidden by a tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a signed length": POST + b"Content-Length: +4\r\n\r\n{}  ",
    "a negative length": POST + b"Content-Length: -4\r\n\r\n{}  ",
    "a length in hexadecimal": POST + b"Content-Length: 0x4\r\n\r\n{}  ",
    "a length beyond all bounds": POST + b"Content-Length: 99999999999999999999999\r\n\r\n{}",
    "a length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n{}",
    "a chunk without a size": CHUNKED + b"\r\n{}\r\n0\r\n\r\n",
    "a chunk of a negative size": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "a chunk beyond all bounds": CHUNKED + b"ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "a bare line feed in a chunk's size": CHUNKED + b"2\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP.keys())
async def test_what_is_not_http_is_told_so_and_closed(target: Target, sent: bytes) -> None:
    (only,) = await told(target.http, sent + SECOND)
    assert only.status == 400
    assert only.problem["type"] == "urn:copilot:problem:malformed-request"


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_a_request_with_two_ends_is_never_followed_by_a_second(target: Target, sent: bytes) -> None:
    found = await told(target.http, sent + SECOND)
    assert [answer.status for answer in found] in ([400], [401])  # the latter before its body was looked at
    assert found[0].problem["type"] in (
        "urn:copilot:problem:malformed-request",
        "urn:copilot:problem:unauthenticated",
    )


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + b"a" * 100_000 + b": b\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(10_000)) + b"\r\n",
    ],
    ids=["a long path", "a long header", "a long name", "ten thousand headers"],
)
async def test_floods_in_the_head_are_refused(target: Target, head: bytes) -> None:
    (only,) = await told(target.http, head)
    assert only.status in (400, 431)
    assert only.problem["status"] == only.status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("BREW", "/health", 400), ("OPTIONS", "*", 404), ("TRACE", "/", 404), ("GET", "/../../etc/passwd", 404),
     ("GET", "/%ff%fe%00", 404), ("GET", "//health", 404), ("DELETE", "/docs", 405), ("CONNECT", "a:80", 404)],
)  # fmt: skip
async def test_odd_methods_and_paths(target: Target, method: str, path: str, status: int) -> None:
    sent = f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
    (only,) = await told(target.http, sent)
    assert only.status == status
    assert only.problem


async def test_pipelined_requests_are_answered_in_their_order(target: Target) -> None:
    sent = b"".join(
        b"GET /health HTTP/1.1\r\nHost: a\r\nX-Request-ID: n%d\r\n\r\n" % number for number in range(300)
    )
    found = await told(target.http, sent + SECOND.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert [answer.headers["x-request-id"] for answer in found[:-1]] == [f"n{number}" for number in range(300)]


async def test_who_closes_one_side_still_gets_the_answer(target: Target) -> None:
    body = json.dumps({"content": "what can you do?"}).encode()
    head = POST + f"Authorization: {target.authorization}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    (only,) = await told(target.http, head + body, half=True)
    assert only.status == 200
    assert json.loads(only.body)["intent"]["name"] == "help"


async def test_who_closes_one_side_in_the_middle_is_let_go(target: Target) -> None:
    known = POST + f"Authorization: {target.authorization}\r\n".encode()
    for part in (b"GET /hea", known + b"Content-Length: 10\r\n\r\n{", b""):
        assert await told(target.http, part, half=True, seconds=5) == []


BODIES = {
    "nothing": b"",
    "null": b"null",
    "a number": b"1e999",
    "a text": b'"x"',
    "a list": b"[]",
    "an empty object": b"{}",
    "not UTF-8": b'{"content": "\xff\xfe", "name": "\xc3\x28"}',
    "half a surrogate": b'{"content": "\\ud800", "name": "\\udfff"}',
    "NULs": b'{"content": "a\\u0000", "name": "\\u0000", "query": "\\u0000", "metadata": {"\\u0000": 1}}',
    "10,000 levels": b'{"metadata": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "10,000 levels of objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "100,000 keys": b"{" + b",".join(b'"k%d": 1' % number for number in range(100_000)) + b"}",
    "the same key again": b'{"content": "a", "content": 7, "name": 1, "query": 2}',
    "a number of 5,000 digits": b'{"content": ' + b"9" * 5_000 + b"}",
    "XML": b"<?xml version='1.0'?><a/>",
}


def writing_routes() -> Iterator[tuple[str, str]]:
    for route in ROUTES:
        if route.method in ("POST", "PUT", "PATCH"):
            yield route.method, route.path.replace("{id}", "x").replace("{session_id}", "x")


async def test_no_body_makes_any_route_fail(target: Target) -> None:
    """A refusal, or an answer; never an error of the server."""
    kinds = (
        "application/json",
        "application/cloudevents+json",
        "text/plain",
        "x" * 200,
        "application/json; charset=ü",
    )
    limit = asyncio.Semaphore(16)

    async def ask(client: aiohttp.ClientSession, method: str, path: str, body: bytes, kind: str) -> None:
        headers = {"Content-Type": kind, "Authorization": target.authorization}
        async with limit, client.request(method, path, data=io.BytesIO(body), headers=headers) as response:
            text = await response.read()
            assert response.status < 500 or response.status == 501, (method, path, body[:80], text[:300])
            assert response.ok or response.content_type == "application/problem+json"

    async with aiohttp.ClientSession(target.http) as client:
        await asyncio.gather(
            *(
                ask(client, method, path, body, kind)
                for (method, path), body, kind in itertools.product(writing_routes(), BODIES.values(), kinds)
                if len(body) < 100_000 or kind == "application/json"
            )
        )


@pytest.mark.parametrize(
    "odd", ["\xff\xfe", "a" * 8_000, "\t", "☃", "%00", "a\x7fb", "../..", "*.>", "-1", "1" * 400]
)
async def test_no_header_or_parameter_makes_a_route_fail(target: Target, odd: str) -> None:
    names = (
        "Idempotency-Key",
        "X-Request-ID",
        "Last-Event-ID",
        "traceparent",
        "tracestate",
        "Accept",
        "Authorization",
    )
    paths = (
        f"/api/v1/sessions?limit={quote(odd)}&cursor={quote(odd)}",
        f"/api/v1/sessions/{quote(odd, safe='')}",
        f"/api/v1/messages/{quote(odd, safe='')}?cursor={quote(odd)}",
        f"/api/v1/sessions/{quote(odd, safe='')}/events",
        f"/metrics?{quote(odd)}",
    )
    for path in paths:
        head = (
            f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {target.authorization}\r\n\r\n"
        )
        (only,) = await told(target.http, head.encode())
        assert only.status < 500, (path, only)
    for name in names:
        head = f"POST /api/v1/sessions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{name}: {odd}\r\n"
        if name != "Authorization":
            head += f"Authorization: {target.authorization}\r\n"
        sent = head.encode() + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        (only,) = await told(target.http, sent)
        assert only.status < 500, (name, only)


async def test_who_vanishes_in_a_request_or_in_a_stream_leaves_nothing_behind(target: Target) -> None:
    """The turn that was accepted is answered all the same."""
    before = Held.by(target.pid)
    body = json.dumps({"content": "what can you do?"}).encode()
    head = POST + f"Authorization: {target.authorization}\r\nAccept: text/event-stream\r\n".encode()
    whole = head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    heard = b""
    for number in range(60):
        reader, writer = await opened(target.http)
        writer.write(whole[: len(whole) * number // 40])
        if number >= 40:
            heard = await reader.readuntil(b"\n\n") + await reader.readuntil(b"\n\n")
        vanish(writer)
    data = heard.partition(b"\r\n\r\n")[2] or heard
    session_id = json.loads(next(line for line in data.splitlines() if line.startswith(b"data: "))[6:])[
        "session_id"
    ]

    async def answered() -> bool:
        path = f"{target.http}/api/v1/messages/{session_id}"
        async with aiohttp.request("GET", path, headers={"Authorization": target.authorization}) as response:
            return [item["role"] for item in (await response.json())["items"]] == ["user", "assistant"]

    async def given_back() -> bool:
        return Held.by(target.pid).descriptors <= before.descriptors + 4

    await eventually(answered)
    await eventually(given_back)


async def test_eleven_megabytes_without_a_length(target: Target) -> None:
    reader, writer = await opened(target.http)
    head = f"Authorization: {target.authorization}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    writer.write(POST + head)
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    for _ in range(11 << 4):
        writer.write(chunk)
    (only,) = answers(await asyncio.wait_for(reader.read(), 15))
    assert only.problem["type"] == "urn:copilot:problem:too-large"
    writer.close()
