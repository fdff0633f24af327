"""Asking over HTTP: as one answer, as server-sent events, again, and resumed."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import pytest

from schemas.conversation import SESSION_ID
from tests.contract.fakes import PoolsDouble
from tests.contract.sse import server_sent

QUESTION = {"content": "What is the error rate for the payment service in the last hour?"}
STREAM = {"Accept": "text/event-stream"}


async def test_json_reply_has_every_field_of_the_contract(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/messages", json=QUESTION) as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        reply = await response.json()
    assert set(reply) == {
        "id", "session_id", "turn_id", "role", "content", "intent", "entities", "evidence", "clarification",
        "parts", "actions", "suggestions", "degraded", "usage", "latency_ms", "created_at",
    }  # fmt: skip
    assert re.fullmatch(SESSION_ID, reply["session_id"])
    assert reply["role"] == "assistant"
    assert reply["clarification"] is None


async def test_stream_numbers_events_without_gap_and_ends_with_the_message(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/messages", json=QUESTION, headers=STREAM) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        events = [event async for event in server_sent(response)]
    assert [event.data["sequence"] for event in events] == list(range(len(events)))
    assert events[0].event == "reply.started"
    assert events[-1].event == "reply.completed"
    turn = events[0].data["turn_id"]
    assert [event.id for event in events] == [f"{turn}:{number}" for number in range(len(events))]
    text = "".join(event.data["chunk"] for event in events if event.event == "reply.chunk")
    assert text == events[-1].data["message"]["content"]


async def test_same_key_and_body_is_one_turn_in_one_session(
    http: aiohttp.ClientSession, double: PoolsDouble
) -> None:
    headers = {"Idempotency-Key": "order-1"}
    replies = []
    for _ in range(2):
        async with http.post("/api/v1/messages", json=QUESTION, headers=headers) as response:
            replies.append(await response.json())
    assert replies[0] == replies[1]
    async with http.post("/api/v1/messages", json={"content": "another"}, headers=headers) as response:
        assert response.status == 422
        assert (await response.json())["type"].endswith("idempotency-mismatch")
    assert len(double.turns) == 1


async def test_same_turn_id_is_the_same_turn_and_streams_from_its_start(http: aiohttp.ClientSession) -> None:
    body = {**QUESTION, "turn_id": "my-turn"}
    async with http.post("/api/v1/messages", json=body) as response:
        first = await response.json()
    async with http.post("/api/v1/messages", json=body, headers=STREAM) as response:
        events = [event async for event in server_sent(response)]
    assert [event.data["sequence"] for event in events] == list(range(len(events)))
    assert events[-1].data["message"] == first


@pytest.mark.scripted
async def test_failed_turn_is_a_problem_in_json_and_an_event_in_a_stream(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/messages", json={"content": "fail"}) as response:
        assert response.status == 503
        assert response.content_type == "application/problem+json"
        assert response.headers["Retry-After"]
    async with http.post("/api/v1/messages", json={"content": "fail"}, headers=STREAM) as response:
        events = [event async for event in server_sent(response)]
    assert events[-1].event == "reply.failed"
    assert events[-1].data["problem"]["status"] == 503


@pytest.mark.scripted
async def test_long_reply_arrives_whole(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/messages", json={"content": "chunks 1500"}, headers=STREAM) as response:
        events = [event async for event in server_sent(response)]
    assert [event.data["sequence"] for event in events] == list(range(1503))


async def test_history_shows_both_sides_page_by_page(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/messages", json=QUESTION) as response:
        session_id = (await response.json())["session_id"]
    async with http.post("/api/v1/messages", json={**QUESTION, "session_id": session_id}) as response:
        assert response.status == 200
    items: list[dict[str, object]] = []
    cursor: str | None = None
    while True:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        async with http.get(f"/api/v1/messages/{session_id}", params=params) as response:
            page = await response.json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [item["role"] for item in items] == ["user", "assistant"] * 2


@pytest.mark.parametrize("seen", [0, 2, 4])
@pytest.mark.scripted
async def test_session_events_resume_after_any_event_and_go_on_with_later_turns(
    http: aiohttp.ClientSession, seen: int
) -> None:
    async with http.post("/api/v1/messages", json={**QUESTION, "turn_id": "one"}) as response:
        session_id = (await response.json())["session_id"]
    async with http.post("/api/v1/messages", json={**QUESTION, "turn_id": "two", "session_id": session_id}):
        pass
    expected = [f"one:{n}" for n in range(seen + 1, 6)] + [f"two:{n}" for n in range(6)]
    headers = {"Last-Event-ID": f"one:{seen}"}
    got: list[str] = []
    async with http.get(f"/api/v1/sessions/{session_id}/events", headers=headers) as response:
        assert response.status == 200
        asked = False
        async for event in server_sent(response):
            got.append(event.id)
            if len(got) == len(expected) and not asked:
                asked = True
                body = {**QUESTION, "turn_id": "three", "session_id": session_id}
                async with http.post("/api/v1/messages", json=body) as live:
                    assert live.status == 200
            if event.id == "three:5":
                break
    assert got == expected + [f"three:{n}" for n in range(6)]


async def test_session_events_without_a_position_are_those_from_now_on(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/messages", json={**QUESTION, "turn_id": "old"}) as response:
        session_id = (await response.json())["session_id"]
    async with http.get(f"/api/v1/sessions/{session_id}/events") as response:
        body = {**QUESTION, "turn_id": "new", "session_id": session_id}
        async with http.post("/api/v1/messages", json=body) as live:
            assert live.status == 200
        events = server_sent(response)
        first = await asyncio.wait_for(anext(events), 5)
    assert first.id == "new:0"


async def test_event_stream_of_an_unknown_turn_is_refused_at_once(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/messages", json=QUESTION) as response:
        session_id = (await response.json())["session_id"]
    path = f"/api/v1/sessions/{session_id}/events"
    async with http.get(path, headers={"Last-Event-ID": "nothing:3"}) as response:
        assert response.status == 404
    async with http.get(path, headers={"Last-Event-ID": "no position"}) as response:
        assert response.status == 422
