"""The shop's interface over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from actors.embedded.shop import SERVICES
from actors.embedded.shop.scenario import SECOND
from actors.embedded.shop.server import Api
from actors.embedded.shop.shop import HISTORY, Shop

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()
NOW = NOON - HISTORY / SECOND + 1800
"""Half an hour after the shop's origin, so that little has to be drawn."""


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shop(tmp_path: Path, clock: Clock) -> AsyncIterator[TestClient[Any, Any]]:
    app = Api(Shop.open(tmp_path, round(NOON * SECOND)), clock).application()
    async with TestClient(TestServer(app)) as client:
        yield client


async def refused(answer: ClientResponse, status: int) -> str:
    assert answer.status == status
    return str((await answer.json())["error"])


async def test_health(shop: TestClient[Any, Any]) -> None:
    answer = await shop.get("/health")
    assert (answer.status, await answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("service", SERVICES)
async def test_a_scrape(shop: TestClient[Any, Any], service: str) -> None:
    answer = await shop.get(f"/metrics/{service}")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(await answer.text())}
    assert families["http_requests"].type == "counter"
    assert families["http_request_duration_seconds"].type == "histogram"
    assert sum(sample.value for sample in families["http_requests"].samples) > 5000


async def test_an_unknown_target_is_404(shop: TestClient[Any, Any]) -> None:
    assert "model" in await refused(await shop.get("/metrics/model"), 404)


async def test_an_action_shows_in_state_and_metrics(shop: TestClient[Any, Any], tmp_path: Path) -> None:
    body = {"action": "deploy", "service": "payment", "version": "2.4.1", "key": "k1"}
    answer = await shop.post("/actions", json=body)
    assert answer.status == 200
    assert (await answer.json())["state"]["version"] == "2.4.1"
    assert "2.4.1" in (tmp_path / "actions.jsonl").read_text(), "on disk before the answer"
    state = await (await shop.get("/state")).json()
    payment = state["services"]["payment"]
    assert (payment["version"], payment["previous_version"]) == ("2.4.1", "2.4.0")
    assert (payment["history"][-1]["event"], payment["history"][-1]["by"]) == ("deploy", "user")
    assert set(state["services"]) == set(SERVICES)
    assert 'service_build_info{version="2.4.1"} 1' in await (await shop.get("/metrics/payment")).text()


async def test_a_canary_shows_and_a_key_is_for_one_action(shop: TestClient[Any, Any]) -> None:
    body = {"action": "deploy", "service": "payment", "version": "2.5.0", "share": 0.1, "key": "k"}
    answer = await (await shop.post("/actions", json=body)).json()
    assert (answer["share"], answer["state"]["version"]) == (0.1, "2.4.0")
    assert answer["state"]["canary"] == {"version": "2.5.0", "share": 0.1}
    assert (await (await shop.post("/actions", json=body)).json())["at"] == answer["at"]
    assert "used for another action" in await refused(await shop.post("/actions", json={**body, "share": 1}), 409)


async def test_staging_has_versions_of_its_own_and_no_numbers(shop: TestClient[Any, Any]) -> None:
    before = await (await shop.get("/metrics/payment")).text()
    body = {"action": "deploy", "service": "payment", "environment": "staging", "version": "2.5.0"}
    assert (await (await shop.post("/actions", json=body)).json())["state"]["version"] == "2.5.0"
    staging = await (await shop.get("/state?environment=staging")).json()
    production = await (await shop.get("/state")).json()
    versions = [state["services"]["payment"]["version"] for state in (staging, production)]
    assert (versions, staging["environment"]) == (["2.5.0", "2.4.0"], "staging")
    after = await (await shop.get("/metrics/payment")).text()
    builds = [[line for line in text.splitlines() if line.startswith("service_build")] for text in (before, after)]
    assert builds[0] == builds[1]
    assert "no environment 'moon'" in await refused(await shop.get("/state?environment=moon"), 400)
    assert "no environment 'moon'" in await refused(
        await shop.post("/actions", json={**body, "environment": "moon"}), 400
    )


async def test_scale_rollback_restart(shop: TestClient[Any, Any]) -> None:
    await shop.post("/actions", json={"action": "scale", "service": "checkout", "replicas": 5})
    await shop.post("/actions", json={"action": "rollback", "service": "checkout"})
    await shop.post("/actions", json={"action": "restart", "service": "checkout"})
    checkout = (await (await shop.get("/state")).json())["services"]["checkout"]
    assert (checkout["replicas"], checkout["version"], checkout["restarts"]) == (5, "3.7.4", 1)
    assert [each["event"] for each in checkout["history"]] == ["scale", "rollback", "restart"]
    again = await shop.post("/actions", json={"action": "rollback", "service": "checkout"})
    assert "no version before" in await refused(again, 409)


@pytest.mark.parametrize("body", ["{", "[]", '"deploy"', "{}", "\xff", "[" * 5000])
async def test_a_bad_body_is_400(shop: TestClient[Any, Any], body: str) -> None:
    answer = await shop.post("/actions", data=body.encode("latin-1"), headers={"Content-Type": "application/json"})
    assert await refused(answer, 400)


async def test_other_refusals(shop: TestClient[Any, Any]) -> None:
    assert await refused(await shop.post("/actions", data=b"{}"), 415)
    long = {"action": "restart", "service": "x" * 20_000}
    assert await refused(await shop.post("/actions", json=long), 413)
    assert await refused(await shop.get("/actions"), 405)
    assert await refused(await shop.get("/nothing"), 404)
    assert "limit" in await refused(await shop.get("/logs?limit=-1"), 400)
    assert "no service" in await refused(await shop.get("/traces?service=nobody"), 400)


async def test_logs_and_traces_belong_together(shop: TestClient[Any, Any]) -> None:
    found = (await (await shop.get("/logs", params={"service": "orders", "limit": 3})).json())["logs"]
    assert [record["service"] for record in found] == ["orders"] * 3
    answer = await shop.get("/traces", params={"trace_id": found[-1]["trace_id"]})
    spans = (await answer.json())["traces"][0]["spans"]
    assert found[-1]["span_id"] in {span["span_id"] for span in spans}
    listed = (await (await shop.get("/traces", params={"service": "orders", "limit": 5})).json())["traces"]
    assert len(listed) == 5
    assert (await (await shop.get("/traces?trace_id=unknown")).json())["traces"] == []


async def test_a_clock_set_back_does_not_take_counters_back(shop: TestClient[Any, Any], clock: Clock) -> None:
    before = await (await shop.get("/metrics/orders")).text()
    clock.now -= 900
    assert await (await shop.get("/metrics/orders")).text() == before
