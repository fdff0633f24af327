"""A release, a canary and a rollback by the orchestrator's actions show in the running shop's metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.adapters.actor import AdaptersActor
from actors.adapters.orchestrator.module import OrchestratorModule
from actors.embedded.demo import ShopServer
from actors.platform.bus import Bus
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.pool.actor import Place
from schemas.adapters import Command
from schemas.errors import Conflict, Forbidden, InvalidInput
from schemas.identity import LOCAL_ADMINISTRATOR, Identity
from schemas.subjects import ACT
from tests.support.servers import data_directory, settings_for
from tests.support.shop_clock import ClockedShop, clocked_shop

BAD = "2.5.0"
"""The version of payment in the shop's scenario that fails 9 % of its requests."""


class Acting:
    """Asks the adapters pool over the bus, as a workflow does."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._calls = 0

    async def __call__(
        self, action: str, identity: Identity = LOCAL_ADMINISTRATOR, **given: Any
    ) -> dict[str, Any]:
        self._calls += 1
        key = given.pop("key", f"k{self._calls}")
        command = Command(identity=identity, input={"service": "payment", **given}, effect_key=key)
        return (await self._bus.request(ACT, command, module="orchestrator", action=action)).output


async def acting(url: str, directory: Path) -> AsyncIterator[Acting]:
    server = MemoryServer()
    settings = settings_for(directory, COPILOT_ORCHESTRATOR__URL=url)
    actor = AdaptersActor(
        Place("adapters", "adapters-0", settings), MemoryTransport(server), modules=(OrchestratorModule,)
    )
    bus = Bus(MemoryTransport(server), "test")
    await bus.connect()
    await actor.start()
    try:
        yield Acting(bus)
    finally:
        await actor.stop()
        await bus.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[ClockedShop]:
    async with clocked_shop(tmp_path / "shop") as running:
        yield running


@pytest.fixture
async def act(shop: ClockedShop, tmp_path: Path) -> AsyncIterator[Acting]:
    async for found in acting(shop.url, tmp_path):
        yield found


async def test_a_bad_release_fails_and_its_rollback_mends(shop: ClockedShop, act: Acting) -> None:
    calm = await shop.failing("payment", 5)
    done = await act("deploy", version=BAD)
    assert (await shop.samples("payment"))[f"service_build_info{{version={BAD}}}"] == 1
    bad = await shop.failing("payment", 5)
    back = await act("rollback")
    mended = await shop.failing("payment", 5)
    assert bad > 0.06
    assert max(calm, mended) < 0.005
    samples = await shop.samples("payment")
    assert f"service_build_info{{version={BAD}}}" not in samples
    assert samples["service_build_info{version=2.4.0}"] == 1
    assert (done["state"]["version"], back["state"]["version"]) == (BAD, "2.4.0")


async def test_a_canary_fails_with_its_share_and_is_widened(shop: ClockedShop, act: Acting) -> None:
    await act("deploy", version=BAD, share=0.1)
    samples = await shop.samples("payment")
    assert samples[f"service_traffic_ratio{{version={BAD}}}"] == pytest.approx(0.1)
    assert samples["service_traffic_ratio{version=2.4.0}"] == pytest.approx(0.9)
    tenth = await shop.failing("payment", 10)
    await act("deploy", version=BAD, share=0.5)
    half = await shop.failing("payment", 10)
    await act("rollback")
    assert 0.005 < tenth < 0.02
    assert 0.03 < half < 0.07
    assert await shop.failing("payment", 10) < 0.005


async def test_scaling_and_restarting_show(shop: ClockedShop, act: Acting) -> None:
    await act("scale", replicas=5)
    await act("restart")
    samples = await shop.samples("payment")
    assert (samples["service_replicas{}"], samples["service_restarts_total{}"]) == (5, 1)


async def test_a_repeated_command_changes_nothing_more(shop: ClockedShop, act: Acting) -> None:
    first = await act("restart", key="run:again::do")
    assert await act("restart", key="run:again::do") == first
    assert (await shop.samples("payment"))["service_restarts_total{}"] == 1
    with pytest.raises(Conflict):
        await act("rollback", key="run:again::do")


async def test_who_may_only_look_changes_nothing(shop: ClockedShop, act: Acting) -> None:
    viewer = Identity(user="v", roles=("viewer",))
    with pytest.raises(Forbidden, match=r"orchestrator\.change"):
        await act("restart", viewer)
    assert (await act("status", viewer))["services"][0]["version"] == "2.4.0"
    with pytest.raises(InvalidInput, match="effect_key"):
        await act("restart", key=None)
    await act("restart", Identity(user="o", roles=("operator",)))


@pytest.mark.integration
async def test_the_shop_that_the_demo_starts(tmp_path: Path) -> None:
    with data_directory() as data:
        server = ShopServer(data, port=0)
        await server.start()
        try:
            async for act in acting(server.url, tmp_path):
                assert (await act("deploy", version="2.4.1"))["state"]["version"] == "2.4.1"
                shown = ClockedShop(server.url)
                assert (await shown.samples("payment"))["service_build_info{version=2.4.1}"] == 1
        finally:
            await server.stop()
