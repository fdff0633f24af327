"""The supervisor's state machine on a fake runtime."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.platform.pool import supervisor as supervisor_module
from actors.platform.pool.actor import Place
from actors.platform.pool.definition import Pool
from actors.platform.pool.supervisor import Supervisor
from schemas.errors import InvalidInput
from tests.support.servers import settings_for
from tests.support.waiting import eventually


class FakeActor:
    def __init__(self, slot: str) -> None:
        self.slot = slot
        self.pid: int | None = 1
        self.death: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.drained = False
        self.killed = False

    async def ended(self) -> str:
        return await asyncio.shield(self.death)

    async def stop(self, grace_seconds: float) -> None:
        self.drained = True

    async def kill(self) -> None:
        self.killed = True


class FakePulse:
    """Every actor answers until it is in `silent`; every start waits for what `needs` says."""

    def __init__(self) -> None:
        self.silent: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.needs = ""

    async def lost(self, slot: str) -> str:
        await self.silent[slot].wait()
        self.silent[slot].clear()
        return "did not answer"

    async def told(self, slot: str, say: Callable[[str], None]) -> None:
        if self.needs:
            say(f"waits for {self.needs}")


class FakeRuntime:
    name = "fake"

    def __init__(self) -> None:
        self.lives: list[FakeActor] = []
        self.failing = 0
        self.held: asyncio.Event | None = None

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    async def start(self, pool: Pool, place: Place, cpus: float) -> FakeActor:
        if self.failing:
            self.failing -= 1
            raise RuntimeError("no luck")
        if self.held is not None:
            await self.held.wait()
        actor = FakeActor(place.slot)
        self.lives.append(actor)
        return actor

    def living(self, slot: str) -> FakeActor:
        return next(actor for actor in reversed(self.lives) if actor.slot == slot)


@pytest.fixture
def runtime() -> FakeRuntime:
    return FakeRuntime()


@pytest.fixture
def pulse() -> FakePulse:
    return FakePulse()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(runtime: FakeRuntime, pulse: FakePulse, said: list[str], tmp_path: Path) -> Supervisor:
    pools = (Pool("nlp", "x:Y"), Pool("context", "x:Y"))
    return Supervisor(runtime, pools, settings_for(tmp_path, COPILOT_POOLS__NLP__SIZE="2"), pulse, said.append)


def states(supervisor: Supervisor) -> dict[str, str]:
    return {actor.slot: actor.state for actor in supervisor.states().actors}


async def test_every_pool_gets_its_size(supervisor: Supervisor) -> None:
    await supervisor.start()
    assert states(supervisor) == {"nlp-0": "running", "nlp-1": "running", "context-0": "running"}
    await supervisor.stop()


async def test_an_actor_that_ends_is_started_again_in_its_slot(
    supervisor: Supervisor, runtime: FakeRuntime
) -> None:
    await supervisor.start()
    runtime.living("nlp-1").death.set_result("killed")

    async def back() -> bool:
        return states(supervisor)["nlp-1"] == "running" and len(runtime.lives) == 4

    await eventually(back)
    told = {actor.slot: actor for actor in supervisor.states().actors}
    assert told["nlp-1"].restarts == 1
    assert told["nlp-0"].restarts == 0
    await supervisor.stop()


async def test_a_start_that_fails_is_tried_again(supervisor: Supervisor, runtime: FakeRuntime) -> None:
    runtime.failing = 2
    await supervisor.start()
    assert set(states(supervisor).values()) == {"running"}
    await supervisor.stop()


async def test_one_that_hangs_is_killed_and_started_again(
    supervisor: Supervisor, runtime: FakeRuntime, pulse: FakePulse
) -> None:
    await supervisor.start()
    first = runtime.living("nlp-0")
    pulse.silent["nlp-0"].set()

    async def back() -> bool:
        return runtime.living("nlp-0") is not first and states(supervisor)["nlp-0"] == "running"

    await eventually(back)
    assert first.killed
    assert not first.drained
    assert len(runtime.lives) == 4
    await supervisor.stop()


async def test_a_crash_loop_is_reported_and_not_spun_and_passes_by_itself(
    supervisor: Supervisor, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "LOOP_PAUSE_SECONDS", 0.5)
    await supervisor.start()

    async def looped() -> bool:
        actor = runtime.living("context-0")
        if not actor.death.done():
            actor.death.set_result("segmentation fault")
        return states(supervisor)["context-0"] == "crash_loop"

    await eventually(looped)
    lives, at = len(runtime.lives), time.monotonic()
    told = {actor.slot: actor for actor in supervisor.states().actors}["context-0"]
    assert told.message == "segmentation fault"

    async def running() -> bool:
        return states(supervisor)["context-0"] == "running"

    await eventually(running)
    assert len(runtime.lives) == lives + 1
    assert time.monotonic() - at > 0.4
    await supervisor.stop()


async def test_what_a_start_waits_for_is_said_and_told(
    supervisor: Supervisor, runtime: FakeRuntime, pulse: FakePulse, said: list[str]
) -> None:
    runtime.held, pulse.needs = asyncio.Event(), "PostgreSQL"
    starting = asyncio.create_task(supervisor.start())

    async def told() -> bool:
        return {actor.message for actor in supervisor.states().actors} == {"waits for PostgreSQL"}

    await eventually(told)
    assert set(states(supervisor).values()) == {"starting"}
    assert sorted(said) == [f"{slot} waits for PostgreSQL" for slot in ("context-0", "nlp-0", "nlp-1")]
    runtime.held.set()
    await starting
    assert {actor.message for actor in supervisor.states().actors} == {""}
    await supervisor.stop()


async def test_stopping_ends_a_start_that_still_waits(supervisor: Supervisor, runtime: FakeRuntime) -> None:
    runtime.held = asyncio.Event()
    starting = asyncio.create_task(supervisor.start())

    async def begun() -> bool:
        return states(supervisor).get("nlp-0") == "starting"

    await eventually(begun)
    await asyncio.wait_for(supervisor.stop(), 5)
    assert states(supervisor) == {}
    starting.cancel()


async def test_scaling_up_starts_and_scaling_down_drains_the_highest(
    supervisor: Supervisor, runtime: FakeRuntime
) -> None:
    await supervisor.start()
    grown = await supervisor.scale("nlp", 4)
    assert [a.slot for a in grown.actors if a.pool == "nlp"] == ["nlp-0", "nlp-1", "nlp-2", "nlp-3"]
    shrunk = await supervisor.scale("nlp", 1)
    assert [a.slot for a in shrunk.actors if a.pool == "nlp"] == ["nlp-0"]
    assert [runtime.living(f"nlp-{n}").drained for n in range(4)] == [False, True, True, True]
    assert supervisor.expected() == (("nlp", "nlp-0"), ("context", "context-0"))
    await supervisor.stop()


async def test_scaling_an_unknown_pool_names_the_known_ones(supervisor: Supervisor) -> None:
    await supervisor.start()
    with pytest.raises(InvalidInput, match="context, nlp"):
        await supervisor.scale("nlq", 1)
    await supervisor.stop()


async def test_stopping_drains_all(supervisor: Supervisor, runtime: FakeRuntime) -> None:
    await supervisor.start()
    await supervisor.stop()
    assert all(actor.drained for actor in runtime.lives)
    assert states(supervisor) == {}
