"""POST /api/v1/nlu/parse: how a text is understood, without any effect."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

PARSE = "/api/v1/nlu/parse"
QUESTION = "What is the error rate of payment?"


async def parsed(http: aiohttp.ClientSession, **body: Any) -> dict[str, Any]:
    async with http.post(PARSE, json=body) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def asked(http: aiohttp.ClientSession, content: str) -> str:
    """The session in which it was asked."""
    async with http.post("/api/v1/messages", json={"content": content}) as answer:
        assert answer.status == 200, await answer.text()
        return (await answer.json())["session_id"]


def values(found: dict[str, Any]) -> dict[str, Any]:
    return {entity["type"]: entity["value"] for entity in found["entities"]}


async def test_the_whole_of_it(http: aiohttp.ClientSession) -> None:
    found = await parsed(http, text=QUESTION, as_of="2026-01-02T12:00:00Z")
    assert set(found) == {"intent", "entities", "missing", "plan", "query", "parts"}
    assert found["intent"]["name"] == "metric_query"
    assert 0.5 < found["intent"]["confidence"] <= 1
    assert values(found)["service"] == "payment"
    assert found["missing"] == found["parts"] == []
    assert found["plan"]["service"] == "payment"
    assert found["plan"]["metric"] == "error_rate"
    assert found["plan"]["range"]["end"].startswith("2026-01-02T12:00:00")


async def test_spans_are_character_offsets_into_the_text(http: aiohttp.ClientSession) -> None:
    text = "🛒🛒 error rate of payment"
    for entity in (await parsed(http, text=text))["entities"]:
        assert text[entity["start"] : entity["end"]] == entity["text"]
        assert entity["resolved_from"] is None


async def test_the_query_is_the_backends_own_language(http: aiohttp.ClientSession) -> None:
    query = (await parsed(http, text=QUESTION))["query"]
    assert query["language"] == "promql"
    assert query["query"]
    assert query["explanation"]


async def test_what_is_missing_is_named_and_has_no_query(http: aiohttp.ClientSession) -> None:
    found = await parsed(http, text="error rate")
    assert found["missing"] == ["service"]
    assert found["query"] is None


async def test_small_talk_has_no_plan(http: aiohttp.ClientSession) -> None:
    found = await parsed(http, text="thank you very much")
    assert (found["intent"]["name"], found["plan"], found["query"]) == ("out_of_scope", None, None)


async def test_further_requests_have_their_condition(http: aiohttp.ClientSession) -> None:
    found = await parsed(http, text="show the error rate of payment and open an incident if it is above 2%")
    assert found["intent"]["name"] == "metric_query"
    (part,) = found["parts"]
    assert part["intent"]["name"] == "incident_create"
    assert "above 2%" in part["condition"]


async def test_a_session_supplies_what_is_left_out(http: aiohttp.ClientSession) -> None:
    session = await asked(http, QUESTION)
    found = await parsed(http, text="and yesterday?", session_id=session)
    assert found["intent"]["name"] == "metric_query"
    service = next(entity for entity in found["entities"] if entity["type"] == "service")
    assert (service["value"], service["resolved_from"]) == ("payment", "history")


async def test_it_leaves_the_session_as_it_was(http: aiohttp.ClientSession) -> None:
    session = await asked(http, QUESTION)
    first = await parsed(http, text="and yesterday?", session_id=session, as_of="2026-01-02T12:00:00Z")
    again = await parsed(http, text="and yesterday?", session_id=session, as_of="2026-01-02T12:00:00Z")
    assert first == again
    async with http.get(f"/api/v1/messages/{session}") as answer:
        assert len((await answer.json())["items"]) == 2


async def test_without_a_session_nothing_is_supplied(http: aiohttp.ClientSession) -> None:
    found = await parsed(http, text="and yesterday?")
    assert not [entity for entity in found["entities"] if entity["resolved_from"]]


async def test_somebody_elses_session_does_not_exist(
    http: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    session = await asked(http, QUESTION)
    async with stranger.post(PARSE, json={"text": "and yesterday?", "session_id": session}) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/text"),
        ({"text": ""}, "/text"),
        ({"text": "  "}, "/text"),
        ({"text": "x" * 10_001}, "/text"),
        ({"text": QUESTION, "timezone": "Mars/Olympus"}, "/timezone"),
        ({"text": QUESTION, "as_of": "yesterday"}, "/as_of"),
        ({"text": QUESTION, "session_id": "mine"}, "/session_id"),
        ({"text": QUESTION, "effect": True}, "/effect"),
    ],
)
async def test_a_body_that_is_not_valid(http: aiohttp.ClientSession, body: dict[str, Any], pointer: str) -> None:
    async with http.post(PARSE, json=body) as answer:
        problem = await answer.json()
        assert (answer.status, problem["errors"][0]["pointer"]) == (422, pointer)


async def test_it_needs_a_token(nobody: aiohttp.ClientSession) -> None:
    async with nobody.post(PARSE, json={"text": QUESTION}) as answer:
        assert answer.status == 401
