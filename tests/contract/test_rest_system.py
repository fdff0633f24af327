"""Health, readiness, metrics, descriptions, queries, events, and stopping."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.config import Settings
from gateway.app import opened
from gateway.routes import ROUTES
from tests.contract.conftest import System
from tests.contract.fakes import PoolsDouble
from tests.contract.sse import server_sent


async def test_health(nobody: aiohttp.ClientSession) -> None:
    async with nobody.get("/health") as response:
        body = await response.json()
    assert (body["status"], set(body)) == ("ok", {"status", "version", "uptime_seconds"})


async def test_ready_names_every_dependency(nobody: aiohttp.ClientSession, double: PoolsDouble) -> None:
    async with nobody.get("/ready") as response:
        body = await response.json()
        assert response.status == 200, body
    names = {dependency["name"] for dependency in body["dependencies"]}
    pools = {name for name, pool in double.settings.pools.items() if pool.size}
    assert names == {"nats", "postgresql", "supervisor", *pools}
    assert all(set(d) == {"name", "status", "latency_ms", "message"} for d in body["dependencies"])
    double.store_up = False
    async with nobody.get("/ready") as response:
        assert response.status == 503
        states = {d["name"]: d["status"] for d in (await response.json())["dependencies"]}
    assert states["postgresql"] == "down"


async def test_ready_without_pools(gateway_settings: Settings) -> None:
    async with (
        opened(gateway_settings, say=lambda text: None, transport=MemoryTransport(MemoryServer())) as running,
        aiohttp.ClientSession() as client,
    ):
        async with client.get(f"{running.addresses.http}/ready") as response:
            body = await response.json()
            assert (response.status, body["status"]) == (503, "not_ready")
        headers = {"Authorization": "Bearer x"}
        async with client.get(f"{running.addresses.http}/api/v1/sessions", headers=headers) as response:
            assert response.status == 401


@pytest.mark.scripted
async def test_metrics_join_all_processes_and_show_the_silent_ones(nobody: aiohttp.ClientSession) -> None:
    async with nobody.get("/health"):
        pass
    async with nobody.get("/metrics") as response:
        text = await response.text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert all(name.startswith("copilot_") for name in families)
    up = {(s.labels["pool"], s.labels["process"]): s.value for s in families["copilot_process_up"].samples}
    assert up == {("conversation", "conversation-0"): 1, ("gateway", "gateway-0"): 1, ("nlp", "nlp-7"): 0}
    samples = [sample for family in families.values() for sample in family.samples]
    assert all({"pool", "process"} <= set(sample.labels) for sample in samples)
    assert any(s.labels.get("route") == "/health" for s in families["copilot_gateway_requests"].samples)


async def test_openapi_describes_every_route_and_only_those(nobody: aiohttp.ClientSession) -> None:
    async with nobody.get("/openapi.json") as response:
        document = await response.json()
    described = {(m.upper(), path) for path, methods in document["paths"].items() for m in methods}
    assert described == {(route.method, route.path) for route in ROUTES}
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


async def test_asyncapi_lists_what_clients_may_use(nobody: aiohttp.ClientSession) -> None:
    async with nobody.get("/asyncapi.json") as response:
        document = await response.json()
    addresses = {channel["address"] for channel in document["channels"].values()} - {None}
    assert addresses == {
        "copilot.v1.turn.submit",
        "copilot.v1.event.turn",
        "copilot.v1.event.alert",
        "copilot.v1.reply.{session}.{turn}",
        "copilot.v1.workflow.{run}.{what}",
    }
    text = json.dumps(document)
    for reference in (part.split('"')[0] for part in text.split('"$ref": "#/')[1:]):
        found = document
        for name in reference.split("/"):
            found = found[name]


async def test_docs_load_nothing_from_elsewhere(nobody: aiohttp.ClientSession) -> None:
    async with nobody.get("/docs") as response:
        page = await response.text()
    assert "/api/v1/messages" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


@pytest.mark.scripted
async def test_natural_query(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/queries/metrics", json={"query": "error rate of payment"}) as response:
        body = await response.json()
    assert body["answer"]["value"] == 0.0023
    assert body["evidence"][0]["language"] == "promql"
    course = {"query": "error rate of payment hour by hour"}
    async with http.post("/api/v1/queries/metrics", json=course) as response:
        answer = (await response.json())["answer"]
    assert (answer["name"], answer["figure"]["kind"], answer["figure"]["value"]) == (
        "error_ratio",
        "value",
        0.0023,
    )
    async with http.post("/api/v1/queries/metrics", json={"query": "sing a song"}) as response:
        assert response.status == 422
        assert (await response.json())["errors"][0]["pointer"] == "/query"


async def test_raw_query(http: aiohttp.ClientSession) -> None:
    body = {"query": "sum(up)", "language": "promql"}
    async with http.post("/api/v1/queries/metrics", json=body) as response:
        answer = await response.json()
    assert answer["answer"] is None
    assert answer["evidence"][0]["query"] == "sum(up)"
    wrong = {**body, "range": {"start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z"}}
    async with http.post("/api/v1/queries/metrics", json=wrong) as response:
        assert (await response.json())["errors"][0]["pointer"] == "/range/end"


TURN = {"specversion": "1.0", "id": "e1", "source": "/ci", "type": "copilot.v1.turn.submit"}


async def test_event_in_both_modes_is_one_turn(http: aiohttp.ClientSession, double: PoolsDouble) -> None:
    data = {"content": "hello"}
    structured = {"Content-Type": "application/cloudevents+json"}
    async with http.post(
        "/api/v1/events", data=json.dumps({**TURN, "data": data}), headers=structured
    ) as response:
        assert response.status == 202
        first = await response.json()
    binary = {f"ce-{name}": value for name, value in TURN.items()}
    async with http.post("/api/v1/events", json=data, headers=binary) as response:
        second = await response.json()
    assert second == {**first, "duplicate": True}
    assert len(double.turns) == 1


@pytest.mark.scripted
async def test_alert_is_kept_in_the_stream(http: aiohttp.ClientSession, memory: MemoryServer) -> None:
    event = {**TURN, "type": "copilot.v1.event.alert", "data": {"alertname": "HighErrorRate"}}
    headers = {"Content-Type": "application/cloudevents+json"}
    async with http.post("/api/v1/events", data=json.dumps(event), headers=headers) as response:
        assert response.status == 202
    (kept,) = (packet for _, packet in memory.stored["EVENTS"])
    assert json.loads(kept.body) == {"alertname": "HighErrorRate"}
    assert (kept.headers["ce-id"], kept.headers["ce-source"]) == ("e1", "/ci")
    assert kept.headers["authorization"].startswith("Bearer ")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [({"type": "x.y"}, "/type"), ({"specversion": "0.3"}, "/specversion"), ({"id": ""}, "/id")],
)
async def test_events_that_are_none(http: aiohttp.ClientSession, change: dict[str, str], pointer: str) -> None:
    headers = {"Content-Type": "application/cloudevents+json"}
    body = json.dumps({**TURN, **change, "data": {"content": "a"}})
    async with http.post("/api/v1/events", data=body, headers=headers) as response:
        assert response.status == 422
        assert (await response.json())["errors"][0]["pointer"] == pointer


async def test_stopping_finishes_running_turns(
    gateway_settings: Settings, memory: MemoryServer, double: PoolsDouble
) -> None:
    gateway = opened(gateway_settings, say=lambda text: None, transport=MemoryTransport(memory))
    running = await gateway.__aenter__()
    system = System(running.addresses.http, "", lambda user, role: _token(gateway_settings, user))
    async with aiohttp.ClientSession(system.http, headers=system.headers()) as client:
        stream = {"Accept": "text/event-stream"}
        body = {"content": "hold", "turn_id": "held"}
        async with client.post("/api/v1/messages", json=body, headers=stream) as response:
            events = server_sent(response)
            first = await anext(events)
            async with client.get(f"/api/v1/sessions/{first.data['session_id']}/events") as endless:
                closing = asyncio.create_task(gateway.__aexit__(None, None, None))
                assert b"stopping" in await asyncio.wait_for(endless.read(), 5)
            double.turn("held").released.set()
            names = [event.event async for event in events]
        assert names[-1] == "reply.completed"
        await closing


def _token(gateway_settings: Settings, user: str) -> str:
    from actors.platform.bus.identity import create_token

    return create_token(gateway_settings.auth, user, ("operator",), 60)
