"""Every template, run on the engine against the demo shop and a Prometheus that scrapes it; decided by people.

They run side by side, each on services of its own, so that the requests which they wait for come in once for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from actors.adapters.actor import AdaptersActor
from actors.embedded import prometheus
from actors.embedded.demo import ShopServer
from actors.embedded.prometheus import PrometheusServer
from actors.platform.config import Settings
from actors.platform.pool.actor import Place
from schemas.subjects import LIST_TEMPLATES, START_RUN
from schemas.workflow import Run, StartRun, TemplateList
from tests.support.servers import SHARED_PACKAGES, data_directory
from tests.support.waiting import eventually
from tests.support.workflows import ALICE, WorkflowStage, steps

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

BAD = "2.5.0"
"""The version of payment that fails 9 % of its requests, written in the shop's scenario."""
WATCH = "12s"
"""About 150 requests of payment: the bad version fails a dozen of them, the good one hardly ever one."""
FINE = 0.02
LENIENT = 0.5
"""Where the template's way is looked at, and a handful of requests must not decide."""


@dataclass
class Operations:
    """The shop, what measures it, the pools that act on it, and a hook of somebody's own."""

    stage: WorkflowStage
    shop: str
    hook: str
    hooked: list[tuple[str, dict[str, Any]]]

    async def start(self, template: str, **given: Any) -> str:
        asked = StartRun(identity=ALICE, template=template, input=given)
        return (await self.stage.bus.request(START_RUN, asked, patience=10.0, seconds=30.0)).id or ""

    async def approve(self, run: str, step: str = "approve", decision: Any = "approve") -> None:
        await self.stage.decide(await self.stage.asked(run, step, 60.0), decision)

    async def answer(self, run: str, step: str, answer: str) -> None:
        await self.stage.decide(await self.stage.asked(run, step, 60.0), "answer", ALICE, answer=answer)

    async def ended(self, run: str) -> Run:
        return await self.stage.ended(run, 100.0)

    async def state(self, service: str, environment: str = "production") -> dict[str, Any]:
        place = f"{self.shop}/state?environment={environment}"
        async with aiohttp.ClientSession() as http, http.get(place) as answer:
            return (await answer.json())["services"][service]


@pytest.fixture
async def operations(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Operations]:
    monkeypatch.setattr(prometheus, "SCRAPE_INTERVAL", "2s")
    monkeypatch.setattr(prometheus, "SCRAPE_TIMEOUT", "2s")
    hooked: list[tuple[str, dict[str, Any]]] = []

    async def hook(request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else {}
        hooked.append((request.headers.get("Idempotency-Key", ""), body))
        return web.json_response({"ok": True})

    app = web.Application()
    app.router.add_route("*", "/hook", hook)
    server = TestServer(app)
    await server.start_server()
    with data_directory() as data:
        shop = ShopServer(data, port=0)
        await shop.start()
        scraper = PrometheusServer(data, SHARED_PACKAGES, shop.targets(), port=0)
        await scraper.start()
        settings = _wired(settings, shop.url, scraper.url, server)
        stage = await WorkflowStage.set(settings, lease=30.0)
        adapters = AdaptersActor(Place("adapters", "adapters-0", settings))
        try:
            await stage.actor()
            await adapters.start()
            await eventually(lambda: _measured(scraper.url), 60.0)
            yield Operations(stage, shop.url, str(server.make_url("/hook")), hooked)
        finally:
            await stage.clear()
            await adapters.stop()
            await scraper.stop()
            await shop.stop()
            await server.close()


def _wired(settings: Settings, shop: str, metrics: str, hook: TestServer) -> Settings:
    return settings.model_copy(
        update={
            "orchestrator": settings.orchestrator.model_copy(update={"url": shop}),
            "observatory": settings.observatory.model_copy(update={"prometheus_url": metrics}),
            "workflow": settings.workflow.model_copy(update={"http_allow": (f"127.0.0.1:{hook.port}",)}),
        }
    )


async def _measured(url: str) -> bool:
    """Whether requests of every service have been seen to grow."""
    query = {"query": "count(count by (service) (increase(http_requests_total[10s]) > 0))"}
    async with aiohttp.ClientSession() as http, http.get(f"{url}/api/v1/query", params=query) as answer:
        found = (await answer.json())["data"]["result"]
    return bool(found) and float(found[0]["value"][1]) == 6


async def test_every_template_does_what_it_says(operations: Operations) -> None:
    listed = await operations.stage.bus.request(LIST_TEMPLATES, TemplateList(identity=ALICE), patience=10.0)
    tried = (
        a_bad_canary_and_a_bad_release,
        a_good_canary,
        a_release_to_staging,
        a_rollback,
        a_scale,
        a_failover_by_hand,
        a_certificate_by_a_hook,
        a_secret,
        a_restart,
        a_dependency_check,
        a_restore_test,
        a_nightly_regression,
    )
    async with asyncio.TaskGroup() as group:
        done = [group.create_task(each(operations), name=each.__name__) for each in tried]
    assert {name for task in done for name in task.result()} == {template.name for template in listed.items}


async def a_bad_canary_and_a_bad_release(o: Operations) -> set[str]:
    """One after the other: both fail payment, both are taken back without anybody's doing."""
    run = await o.start(
        "canary", service="payment", version=BAD, first=0.9, second=0.95, watch=WATCH, max_error_rate=FINE
    )
    await o.approve(run)
    ended = await o.ended(run)
    found = steps(ended)
    assert ended.status == "compensated", found
    assert (found["verify_some"].status, found["some"].status, found["more"].status) == (
        "failed",
        "compensated",
        "skipped",
    )
    assert "error rate of 0." in found["verify_some"].error.detail
    payment = await o.state("payment")
    assert (payment["version"], payment["canary"]) == ("2.4.0", None)
    run = await o.start("release", service="payment", version=BAD, watch=WATCH, max_error_rate=LENIENT)
    await o.approve(run)
    ended = await o.ended(run)
    assert ended.status == "succeeded", steps(ended)
    assert (await o.state("payment"))["version"] == BAD
    assert ended.outputs["error_rate"]["value"] > FINE
    run = await o.start("release", service="payment", version="2.5.1", watch=WATCH, max_error_rate=0.001)
    ended = await o.ended(run)
    assert (ended.status, steps(ended)["well"].status) == ("failed", "failed"), "it fails already"
    return {"canary", "release"}


async def a_good_canary(o: Operations) -> set[str]:
    run = await o.start("canary", service="inventory", version="1.19.1", watch="5s", max_error_rate=LENIENT)
    await o.approve(run)
    ended = await o.ended(run)
    assert ended.status == "succeeded", steps(ended)
    inventory = await o.state("inventory")
    assert (inventory["version"], inventory["canary"]) == ("1.19.1", None)
    assert [each["event"] for each in inventory["history"][:3]] == ["deploy"] * 3
    return {"canary"} | await a_capacity_review(o)


async def a_release_to_staging(o: Operations) -> set[str]:
    run = await o.start("release", service="payment", version="2.4.1", environment="staging")
    rejected = await o.start("release", service="payment", version="9.9.9", environment="staging")
    await o.approve(run)
    await o.approve(rejected, decision="reject")
    ended, refused = await o.ended(run), await o.ended(rejected)
    assert (ended.status, refused.status) == ("succeeded", "succeeded")
    assert (steps(ended)["announce"].status, steps(refused)["rollout"].status) == ("succeeded", "skipped")
    assert (await o.state("payment", "staging"))["version"] == "2.4.1"
    return {"release"}


async def a_rollback(o: Operations) -> set[str]:
    run = await o.start("rollback", service="gateway", watch="5s")
    await o.approve(run)
    ended = await o.ended(run)
    assert ended.status == "succeeded", steps(ended)
    assert (await o.state("gateway"))["version"] == "5.1.1"
    assert ended.outputs["health"]["services"][0]["service"] == "gateway"
    return {"rollback"}


async def a_scale(o: Operations) -> set[str]:
    lenient = {"service": "checkout", "watch": "5s", "max_error_rate": LENIENT}
    run = await o.start("scale", replicas=5, max_latency=9, **lenient)
    far = await o.start("scale", service="checkout", replicas=50)
    await o.approve(run)
    ended, refused = await o.ended(run), await o.ended(far)
    assert ended.status == "succeeded", steps(ended)
    assert (refused.status, steps(refused)["approve"].status) == ("failed", "skipped")
    assert (await o.state("checkout"))["replicas"] == 5
    back = await o.start(
        "scale", service="checkout", replicas=6, watch="4s", max_error_rate=LENIENT, max_latency=0
    )
    await o.approve(back)
    assert (await o.ended(back)).status == "compensated"
    assert (await o.state("checkout"))["replicas"] == 5
    return {"scale"}


async def a_failover_by_hand(o: Operations) -> set[str]:
    run = await o.start("database-failover", services=["orders"], settle="5s", max_error_rate=LENIENT)
    await o.approve(run)
    await o.answer(run, "promote_by_hand", "done")
    ended = await o.ended(run)
    assert ended.status == "succeeded", steps(ended)
    assert (await o.state("orders"))["restarts"] >= 1
    failed = await o.start("database-failover", services=["orders"])
    await o.approve(failed)
    await o.answer(failed, "promote_by_hand", "failed")
    ended = await o.ended(failed)
    assert (ended.status, steps(ended)["restart"].status) == ("failed", "skipped")
    return {"database-failover"}


async def a_certificate_by_a_hook(o: Operations) -> set[str]:
    given = {"certificate": "shop.test", "services": ["gateway"], "issue_url": o.hook, "settle": "5s"}
    run = await o.start("certificate-rotation", max_error_rate=LENIENT, **given)
    await o.approve(run)
    ended = await o.ended(run)
    assert ended.status == "succeeded", steps(ended)
    assert (f"{run}:issue::do", {"certificate": "shop.test"}) in o.hooked
    assert (await o.state("gateway"))["restarts"] >= 1
    return {"certificate-rotation"}


async def a_secret(o: Operations) -> set[str]:
    given = {"secret": "orders/db", "services": ["orders"], "settle": "5s", "revoke_url": o.hook}
    run = await o.start("secret-rotation", max_error_rate=LENIENT, **given)
    await o.answer(run, "create_by_hand", "done")
    await o.approve(run, "start")
    await o.approve(run)
    ended = await o.ended(run)
    assert ended.status == "succeeded", steps(ended)
    assert (f"{run}:revoke::do", {"secret": "orders/db"}) in o.hooked
    return {"secret-rotation"}


async def a_restart(o: Operations) -> set[str]:
    run = await o.start("restart", services=["checkout", "orders"], settle="5s", max_error_rate=LENIENT)
    await o.approve(run)
    ended = await o.ended(run)
    assert ended.status == "succeeded", steps(ended)
    first, second = (steps(ended)[f"restart[{n}]"] for n in (0, 1))
    assert first.finished_at is not None
    assert second.started_at is not None
    assert first.finished_at <= second.started_at
    return {"restart"}


async def a_capacity_review(o: Operations) -> set[str]:
    """After another one: its queries look every 15 seconds."""
    ended = await o.ended(await o.start("capacity-review", window="10m", max_memory=0.2))
    assert ended.status == "succeeded", steps(ended)
    report = ended.outputs["report"]
    assert {one["service"] for one in report["replicas"]} == {one["service"] for one in report["health"]}
    assert "recommendation" in report["too_full"]
    return {"capacity-review"}


async def a_dependency_check(o: Operations) -> set[str]:
    ended = await o.ended(await o.start("dependency-check", service="checkout", window="10s"))
    assert ended.status == "succeeded", steps(ended)
    assert ended.outputs["result"]["service"] == "checkout"
    assert {"unwell", "unknown", "status"} <= ended.outputs["result"].keys()
    return {"dependency-check"}


async def a_restore_test(o: Operations) -> set[str]:
    run = await o.start("restore-test", service="orders", restore_url=o.hook)
    await o.answer(run, "look_by_hand", "yes")
    ended = await o.ended(run)
    assert ended.status == "succeeded", steps(ended)
    refused = await o.ended(await o.start("restore-test", environment="production"))
    assert (refused.status, steps(refused)["safe"].status) == ("failed", "failed")
    return {"restore-test"}


async def a_nightly_regression(o: Operations) -> set[str]:
    """Without a yesterday nothing is said to be worse."""
    ended = await o.ended(await o.start("nightly-regression", window="10s"))
    assert ended.status == "succeeded", steps(ended)
    assert ended.outputs["worse"] == {"errors": [], "latency": []}
    return {"nightly-regression"}
