"""Every refusal is a problem; ids, traces, limits and idempotency at the border."""

from __future__ import annotations

import gzip
import io
import json
import re

import aiohttp
import pytest

from tests.contract.conftest import System
from tests.contract.fakes import PoolsDouble

SESSIONS = "/api/v1/sessions"
MESSAGES = "/api/v1/messages"
JSON = {"Content-Type": "application/json"}


async def problem(response: aiohttp.ClientResponse, status: int, slug: str) -> dict[str, object]:
    body = json.loads(await response.read())
    assert (response.status, body["type"]) == (status, f"urn:copilot:problem:{slug}"), body
    assert response.content_type == "application/problem+json"
    assert body["status"] == status
    assert {"title", "detail", "instance", "request_id"} <= set(body)
    assert response.headers["X-Request-ID"] == body["request_id"]
    assert body["instance"] == response.url.path
    return body


@pytest.mark.parametrize(
    ("body", "status", "slug", "pointer"),
    [
        (b"{", 400, "malformed-body", None),
        (b"", 400, "malformed-body", None),
        (b'{"content": "\xff"}', 400, "malformed-body", None),
        (b'{"content": "\\ud800"}', 400, "malformed-body", None),
        (b"[" * 100_000, 400, "malformed-body", None),
        (b"[]", 422, "invalid-input", ""),
        (b"{}", 422, "invalid-input", "/content"),
        (b'{"content": 7}', 422, "invalid-input", "/content"),
        (b'{"content": ""}', 422, "invalid-input", "/content"),
        (b'{"content": "  "}', 422, "invalid-input", "/content"),
        (b'{"content": "a\\u0000b"}', 422, "invalid-input", "/content"),
        (b'{"content": "a", "metadata": {"x": ["\\u0000"]}}', 422, "invalid-input", "/metadata/x/0"),
        (json.dumps({"content": "x" * 10_001}).encode(), 422, "invalid-input", "/content"),
        (b'{"content": "a", "contnet": 1}', 422, "invalid-input", "/contnet"),
        (b'{"content": "a", "session_id": "a.*.>"}', 422, "invalid-input", "/session_id"),
        (b'{"content": "a", "turn_id": "a.b"}', 422, "invalid-input", "/turn_id"),
        (b'{"content": "a", "as_of": "yesterday"}', 422, "invalid-input", "/as_of"),
        (b'{"content": "a", "as_of": "2026-01-01T00:00:00"}', 422, "invalid-input", "/as_of"),
        (b'{"content": "a", "attachments": [{}]}', 422, "invalid-input", "/attachments"),
    ],
)
async def test_bad_bodies_are_told_where_they_are_wrong(
    http: aiohttp.ClientSession, body: bytes, status: int, slug: str, pointer: str | None
) -> None:
    async with http.post(MESSAGES, data=body, headers=JSON) as response:
        found = await problem(response, status, slug)
    if pointer is not None:
        assert [error["pointer"] for error in found["errors"]] == [pointer]  # type: ignore[attr-defined]


async def test_ten_thousand_characters_are_taken(http: aiohttp.ClientSession) -> None:
    async with http.post(MESSAGES, json={"content": "ü" * 10_000, "attachments": []}) as response:
        assert response.status == 200


async def test_body_over_ten_megabytes(http: aiohttp.ClientSession) -> None:
    async with http.post(MESSAGES, data=io.BytesIO(b" " * (10 * 2**20 + 1)), headers=JSON) as response:
        await problem(response, 413, "too-large")


async def test_packed_body_counts_unpacked_and_a_broken_one_is_told(http: aiohttp.ClientSession) -> None:
    headers = {**JSON, "Content-Encoding": "gzip"}
    async with http.post(MESSAGES, data=gzip.compress(b" " * (11 * 2**20)), headers=headers) as response:
        await problem(response, 413, "too-large")
    async with http.post(MESSAGES, data=b"not gzip", headers=headers) as response:
        await problem(response, 400, "malformed-body")


async def test_other_media_types(http: aiohttp.ClientSession) -> None:
    async with http.post(MESSAGES, data="content=a", headers={"Content-Type": "text/plain"}) as response:
        await problem(response, 415, "unsupported-media-type")


async def test_unknown_path_and_method(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/v2/nothing") as response:
        await problem(response, 404, "not-found")
    async with http.put(SESSIONS) as response:
        await problem(response, 405, "method-not-allowed")
        assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/workflows"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/mcp"),
        ("PATCH", "/api/v1/incidents/x"),
    ],
)
async def test_what_comes_later_says_so(http: aiohttp.ClientSession, method: str, path: str) -> None:
    async with http.request(method, path) as response:
        await problem(response, 501, "not-implemented")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer a.b.c"])
async def test_without_a_valid_token(nobody: aiohttp.ClientSession, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    async with nobody.get(SESSIONS, headers=headers) as response:
        await problem(response, 401, "unauthenticated")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/health", "/metrics", "/openapi.json", "/docs", "/asyncapi.json"])
async def test_open_paths_need_no_token(nobody: aiohttp.ClientSession, path: str) -> None:
    async with nobody.get(path) as response:
        assert response.status == 200


async def test_sessions_from_creation_to_deletion(http: aiohttp.ClientSession) -> None:
    wanted = {"name": "On call", "timezone": "Europe/Vienna", "metadata": {"team": ["a", 1, None]}}
    async with http.post(SESSIONS, json=wanted) as response:
        assert response.status == 201
        session = await response.json()
        assert response.headers["Location"] == f"{SESSIONS}/{session['id']}"
    assert wanted.items() <= session.items()
    path = f"{SESSIONS}/{session['id']}"
    async with http.get(path) as response:
        assert await response.json() == session
    async with http.get(SESSIONS, params={"limit": 1}) as response:
        assert await response.json() == {"items": [session], "next_cursor": None}
    async with http.delete(path) as response:
        assert (response.status, await response.read()) == (204, b"")
    for method in ("GET", "DELETE"):
        async with http.request(method, path) as response:
            await problem(response, 404, "not-found")


@pytest.mark.parametrize(
    "params", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "\0"}, {"limit": "²"}]
)
async def test_bad_paging(http: aiohttp.ClientSession, params: dict[str, str]) -> None:
    async with http.get(SESSIONS, params=params) as response:
        await problem(response, 422, "invalid-input")


async def test_unknown_time_zone(http: aiohttp.ClientSession) -> None:
    async with http.post(SESSIONS, json={"timezone": "Mars/Olympus"}) as response:
        found = await problem(response, 422, "invalid-input")
    assert found["errors"][0]["pointer"] == "/timezone"  # type: ignore[index]


async def test_what_belongs_to_another_user_is_not_there(
    http: aiohttp.ClientSession, stranger: aiohttp.ClientSession, system: System
) -> None:
    async with http.post(MESSAGES, json={"content": "mine"}) as response:
        session_id = (await response.json())["session_id"]
    for method, path in (
        ("GET", f"{SESSIONS}/{session_id}"),
        ("DELETE", f"{SESSIONS}/{session_id}"),
        ("GET", f"{SESSIONS}/{session_id}/events"),
        ("GET", f"{MESSAGES}/{session_id}"),
    ):
        async with stranger.request(method, path) as response:
            await problem(response, 404, "not-found")
    async with stranger.post(MESSAGES, json={"content": "yours?", "session_id": session_id}) as response:
        await problem(response, 404, "not-found")
    async with http.get(f"{SESSIONS}/{session_id}", headers=system.headers("root", "admin")) as response:
        assert response.status == 200


@pytest.mark.parametrize("odd", ["x", "a.b", "*", ">", "%2e%2e", "a%00b", "ü"])
async def test_odd_session_ids_are_not_found(http: aiohttp.ClientSession, odd: str) -> None:
    async with http.get(f"{SESSIONS}/{odd}") as response:
        assert response.status == 404


async def test_same_key_creates_one_session(http: aiohttp.ClientSession, double: PoolsDouble) -> None:
    headers = {"Idempotency-Key": "k"}
    answers = []
    for _ in range(2):
        async with http.post(SESSIONS, json={"name": "once"}, headers=headers) as response:
            assert response.status == 201
            answers.append(await response.json())
    assert answers[0] == answers[1]
    assert double.created == 1
    async with http.post(SESSIONS, json={"name": "other"}, headers=headers) as response:
        await problem(response, 422, "idempotency-mismatch")


async def test_refusal_under_a_key_is_repeated_and_keys_belong_to_their_user(
    http: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    headers = {"Idempotency-Key": "k"}
    for _ in range(2):
        async with http.post(SESSIONS, json={"timezone": "Nowhere"}, headers=headers) as response:
            assert response.status == 422
            assert response.content_type == "application/problem+json"
    async with stranger.post(SESSIONS, json={}, headers=headers) as response:
        assert response.status == 201


async def test_key_that_is_being_worked_on(http: aiohttp.ClientSession, double: PoolsDouble) -> None:
    headers = {"Idempotency-Key": "k"}
    async with http.post(SESSIONS, json={}, headers=headers) as response:
        assert response.status == 201
    (claim,) = double.keys
    fingerprint, resource, state = double.keys[claim]
    double.keys[claim] = (fingerprint, resource, state.model_copy(update={"state": "running"}))
    async with http.post(SESSIONS, json={}, headers=headers) as response:
        await problem(response, 409, "in-progress")
        assert response.headers["Retry-After"]


async def test_key_of_a_request_that_may_pass_later_can_be_tried_again_at_once(
    http: aiohttp.ClientSession, double: PoolsDouble
) -> None:
    headers = {"Idempotency-Key": "k"}
    double.out_of_order = True
    async with http.post(SESSIONS, json={}, headers=headers) as response:
        await problem(response, 503, "unavailable")
        assert response.headers["Retry-After"]
    double.out_of_order = False
    async with http.post(SESSIONS, json={}, headers=headers) as response:
        assert response.status == 201


async def test_ids_and_traces_travel(http: aiohttp.ClientSession) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"X-Request-ID": "abc-1", "traceparent": trace}
    async with http.get("/health", headers=headers) as response:
        assert response.headers["X-Request-ID"] == "abc-1"
        assert response.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    async with http.get("/health", headers={"X-Request-ID": "a b"}) as response:
        assert re.fullmatch("[0-9A-Z]{26}", response.headers["X-Request-ID"])
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]", response.headers["traceparent"])


async def test_limits_are_shown(http: aiohttp.ClientSession) -> None:
    async with http.get(SESSIONS) as first, http.get(SESSIONS) as second:
        left = [int(response.headers["RateLimit-Remaining"]) for response in (first, second)]
        assert int(first.headers["RateLimit-Limit"]) == 60_000
        assert 1 <= int(first.headers["RateLimit-Reset"]) <= 60
    assert left[1] < left[0] or int(second.headers["RateLimit-Reset"]) > int(first.headers["RateLimit-Reset"])
