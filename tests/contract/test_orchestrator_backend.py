"""What every backend of the orchestrator promises. A further kind is one entry in `KINDS`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from actors.adapters.meter import Meter
from actors.adapters.orchestrator.port import Orchestrator
from actors.adapters.orchestrator.registry import BACKENDS
from actors.adapters.orchestrator.shop import ShopOrchestrator
from actors.adapters.port import Wiring
from actors.platform.telemetry import Telemetry
from schemas.errors import BackendUnavailable, Conflict, InvalidInput
from schemas.orchestrator import Canary, Deploy, Restart, Rollback, Scale, ServiceState, StatusQuestion
from tests.support.servers import settings_for
from tests.support.shop_clock import clocked_shop


@dataclass
class Running:
    """`known`: a service that it runs, and where its users are."""

    url: str
    known: str
    environment: str


Serving = Callable[[Path], AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def shop(directory: Path) -> AsyncGenerator[Running]:
    async with clocked_shop(directory) as running:
        yield Running(running.url, "payment", "production")


KINDS: dict[str, Serving] = {"shop": shop}


def wired(kind: str, url: str, directory: Path, http: aiohttp.ClientSession) -> Orchestrator:
    settings = settings_for(directory, COPILOT_ORCHESTRATOR__BACKEND=kind, COPILOT_ORCHESTRATOR__URL=url)
    return BACKENDS[kind](Wiring(settings, http, Meter(Telemetry.silent("contract"))))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return cast("str", request.param)


@pytest.fixture
async def running(kind: str, tmp_path: Path) -> AsyncIterator[Running]:
    async with KINDS[kind](tmp_path / "server") as found:
        yield found


@pytest.fixture
async def backend(kind: str, running: Running, tmp_path: Path) -> AsyncIterator[Orchestrator]:
    async with aiohttp.ClientSession() as http:
        yield wired(kind, running.url, tmp_path, http)


async def state_of(backend: Orchestrator, service: str, environment: str | None = None) -> ServiceState:
    (found,) = await backend.status(StatusQuestion(service=service, environment=environment))
    return found


def test_every_backend_is_in_the_suite() -> None:
    assert set(KINDS) == set(BACKENDS)


async def test_all_services_are_told_by_name(backend: Orchestrator, running: Running) -> None:
    states = await backend.status(StatusQuestion())
    names = [state.service for state in states]
    assert names == sorted(names)
    assert running.known in names
    assert {state.environment for state in states} == {running.environment}
    assert [state for state in states if state.service == running.known] == [
        await state_of(backend, running.known)
    ]


async def test_a_release_and_its_rollback(backend: Orchestrator, running: Running) -> None:
    before = await state_of(backend, running.known)
    done = await backend.deploy(Deploy(service=running.known, version="9.0.1"), "k1")
    assert (done.change, done.state.version, done.state.previous_version) == ("deploy", "9.0.1", before.version)
    assert done.state == await state_of(backend, running.known)
    assert done.state.deployed_at == done.at
    back = await backend.rollback(Rollback(service=running.known), "k2")
    assert back.state.version == before.version


async def test_a_canary_runs_beside_the_version_until_it_is_taken_away_or_made_the_version(
    backend: Orchestrator, running: Running
) -> None:
    before = await state_of(backend, running.known)
    for key, share in (("k1", 0.1), ("k2", 0.5)):
        done = await backend.deploy(Deploy(service=running.known, version="9.0.1", share=share), key)
        assert (done.state.version, done.state.canary) == (before.version, Canary(version="9.0.1", share=share))
    gone = await backend.rollback(Rollback(service=running.known), "k3")
    assert (gone.state.version, gone.state.canary) == (before.version, None)
    await backend.deploy(Deploy(service=running.known, version="9.0.1", share=0.1), "k4")
    made = await backend.deploy(Deploy(service=running.known, version="9.0.1"), "k5")
    assert (made.state.version, made.state.canary) == ("9.0.1", None)


async def test_a_version_that_does_not_run_needs_no_rollback(backend: Orchestrator, running: Running) -> None:
    before = await state_of(backend, running.known)
    for key in ("k1", "k2"):
        nothing = await backend.rollback(Rollback(service=running.known, version="9.0.1"), key)
        assert nothing.state == before
    await backend.deploy(Deploy(service=running.known, version="9.0.1", share=0.1), "k3")
    await backend.deploy(Deploy(service=running.known, version="9.0.1"), "k4")
    for key in ("k5", "k6"):  # what two compensations of one release do
        back = await backend.rollback(Rollback(service=running.known, version="9.0.1"), key)
        assert (back.state.version, back.state.canary) == (before.version, None)


async def test_scale_and_restart(backend: Orchestrator, running: Running) -> None:
    before = await state_of(backend, running.known)
    wider = await backend.scale(Scale(service=running.known, replicas=before.replicas + 2), "k1")
    assert wider.state.replicas == before.replicas + 2
    again = await backend.restart(Restart(service=running.known), "k2")
    assert again.state.started_at == again.at
    assert (again.state.version, again.state.replicas) == (before.version, before.replicas + 2)


async def test_a_change_is_done_once_for_its_key_also_after_a_restart_of_the_backend(
    kind: str, tmp_path: Path
) -> None:
    answers = []
    for _ in range(2):
        async with KINDS[kind](tmp_path / "server") as running, aiohttp.ClientSession() as http:
            backend = wired(kind, running.url, tmp_path, http)
            asked = Deploy(service=running.known, version="9.0.1")
            answers += [await backend.deploy(asked, "run:rollout::do") for _ in range(2)]
            state = await state_of(backend, running.known)
            assert state.previous_version != "9.0.1", "deployed more than once"
    assert len({answer.at for answer in answers}) == 1
    assert {answer.state.version for answer in answers} == {"9.0.1"}


async def test_a_key_is_not_for_two_changes(backend: Orchestrator, running: Running) -> None:
    await backend.scale(Scale(service=running.known, replicas=4), "k1")
    with pytest.raises(Conflict, match="k1"):
        await backend.scale(Scale(service=running.known, replicas=5), "k1")
    assert (await state_of(backend, running.known)).replicas == 4


async def rolled_back_all_the_way(backend: Orchestrator, service: str) -> None:
    for number in range(100):
        await backend.rollback(Rollback(service=service), f"k{number}")


async def test_nothing_to_roll_back_to_is_a_conflict(backend: Orchestrator, running: Running) -> None:
    with pytest.raises(Conflict):
        await rolled_back_all_the_way(backend, running.known)


@pytest.mark.parametrize("name", ["nobody", "payment2"])
async def test_what_is_not_there_is_said(backend: Orchestrator, running: Running, name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        await backend.restart(Restart(service=name), "k1")
    with pytest.raises(InvalidInput, match=name):
        await backend.status(StatusQuestion(service=name))
    with pytest.raises(InvalidInput, match="moon"):
        await backend.restart(Restart(service=running.known, environment="moon"), "k2")
    with pytest.raises(InvalidInput, match="moon"):
        await backend.status(StatusQuestion(environment="moon"))


async def test_its_state_is_told_and_never_raised(kind: str, running: Running, tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        assert (await wired(kind, running.url, tmp_path, http).state()).status == "up"
        assert (await wired(kind, "", tmp_path, http).state()).status == "not_configured"
        away = wired(kind, "http://127.0.0.1:1", tmp_path, http)
        assert (await away.state()).status == "down"
        with pytest.raises(BackendUnavailable):
            await away.scale(Scale(service=running.known, replicas=2), "k1")
        with pytest.raises(BackendUnavailable, match="COPILOT_ORCHESTRATOR__URL"):
            await wired(kind, "", tmp_path, http).status(StatusQuestion())


# --- what the shop has beyond ----------------------------------------------------------------------


async def test_the_shop_has_a_staging_of_its_own(tmp_path: Path) -> None:
    async with clocked_shop(tmp_path / "server") as running, aiohttp.ClientSession() as http:
        backend = wired("shop", running.url, tmp_path, http)
        assert isinstance(backend, ShopOrchestrator)
        await backend.deploy(Deploy(service="payment", version="9.0.1", environment="staging"), "k1")
        assert (await state_of(backend, "payment", "staging")).version == "9.0.1"
        assert (await state_of(backend, "payment")).version == "2.4.0"
