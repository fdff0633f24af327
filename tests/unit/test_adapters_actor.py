"""The actor's own part in a call: permission, input, effect key, deadline, outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import BaseModel, Field

from actors.adapters.actor import AdaptersActor
from actors.adapters.deadline import ends_in, time_left
from actors.adapters.meter import Meter
from actors.adapters.observatory.module import ObservatoryModule
from actors.adapters.port import Answer, Call, Offer, Wiring
from actors.platform.bus import Bus
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.pool.actor import Place
from actors.platform.telemetry import Telemetry
from schemas.adapters import ACTIONS, Action, ActionClass, BackendState, Command, Degraded, Outcome
from schemas.errors import DeadlineExceeded, Forbidden, InvalidInput, Unavailable
from schemas.identity import Identity
from schemas.subjects import ACT, PING
from schemas.system import Ping
from tests.support.servers import settings_for

VIEWER = Identity(user="vera", roles=("viewer",))


class Sum(BaseModel):
    left: int
    right: int = Field(ge=0)


class Total(BaseModel):
    total: int
    asked_by: str
    effect_key: str | None


def action(name: str, effect: ActionClass = "pure", seconds: float = 5.0) -> Action[Sum, Total]:
    return Action("sums", name, Sum, Total, effect, "telemetry.read", seconds)


class Sums:
    """A module of its own: adding one is this class and its name in the list."""

    def __init__(self, wiring: Wiring) -> None:
        self.name = "sums"
        self.closed = False
        self.left: list[float] = []
        self.offers: tuple[Offer[Any, Any], ...] = (
            Offer(action("add"), self.add),
            Offer(action("store", "keyed"), self.add),
            Offer(action("look", "probe"), self.add),
            Offer(action("slow", seconds=0.2), self.slow),
        )

    async def add(self, asks: Sum, call: Call) -> Answer[Total]:
        total = Total(total=asks.left + asks.right, asked_by=call.identity.user, effect_key=call.effect_key)
        return Answer(total, degraded=(Degraded(part="sums", reason="only integers"),))

    async def slow(self, asks: Sum, call: Call) -> Answer[Total]:
        self.left.append(time_left(60.0))
        await asyncio.Event().wait()
        return await self.add(asks, call)

    async def states(self) -> tuple[BackendState, ...]:
        return (BackendState(name="abacus", status="up"),)

    async def close(self) -> None:
        self.closed = True


class Running:
    def __init__(self, bus: Bus, module: Sums) -> None:
        self.bus = bus
        self.module = module

    async def act(self, name: str, seconds: float = 5.0, **command: Any) -> Outcome:
        given = Command.model_validate({"identity": VIEWER, "input": {"left": 2, "right": 3}, **command})
        return await self.bus.request(ACT, given, seconds=seconds, once=True, module="sums", action=name)


@asynccontextmanager
async def sums(directory: Path) -> AsyncGenerator[Running]:
    server = MemoryServer()
    made: list[Sums] = []

    def make(wiring: Wiring) -> Sums:
        made.append(Sums(wiring))
        return made[0]

    place = Place("adapters", "adapters-0", settings_for(directory))
    actor = AdaptersActor(place, MemoryTransport(server), modules=(make,))
    bus = Bus(MemoryTransport(server), "test")
    await bus.connect()
    await actor.start()
    yield Running(bus, made[0])
    await actor.stop()
    await bus.close()
    assert made[0].closed


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with sums(tmp_path) as running:
        yield running


async def test_an_action_s_answer_becomes_an_outcome(running: Running) -> None:
    outcome = await running.act("add")
    assert outcome.output == {"total": 5, "asked_by": "vera", "effect_key": None}
    assert [degraded.reason for degraded in outcome.degraded] == ["only integers"]


async def test_without_the_permission_nothing_happens(running: Running) -> None:
    with pytest.raises(Forbidden, match=r"sums\.add needs the permission telemetry\.read"):
        await running.act("add", identity=Identity(user="nobody", roles=()))


async def test_wrong_input_is_named_by_pointers(running: Running) -> None:
    with pytest.raises(InvalidInput) as refused:
        await running.act("add", input={"left": "many", "right": -1})
    assert [violation.pointer for violation in refused.value.violations] == ["/left", "/right"]


@pytest.mark.parametrize("name", ["store", "look"])
async def test_what_changes_something_needs_an_effect_key(running: Running, name: str) -> None:
    for key in (None, ""):
        with pytest.raises(InvalidInput) as refused:
            await running.act(name, effect_key=key)
        assert [violation.pointer for violation in refused.value.violations] == ["/effect_key"]
    assert (await running.act(name, effect_key="run-1.step-2")).output["effect_key"] == "run-1.step-2"


async def test_the_action_s_deadline_ends_it(running: Running) -> None:
    with pytest.raises(DeadlineExceeded, match=r"sums\.slow was not done within its 0\.2 s"):
        await running.act("slow")
    assert 0.1 < running.module.left[0] < 0.2


async def test_an_earlier_deadline_of_the_caller_ends_it_first(running: Running) -> None:
    with pytest.raises(DeadlineExceeded):
        await running.act("slow", seconds=0.1)
    assert running.module.left[0] < 0.1


async def test_an_action_that_no_module_offers_has_nobody(running: Running) -> None:
    with pytest.raises(Unavailable, match="nobody serves"):
        await running.act("divide")


async def test_a_ping_tells_the_state_of_every_backend(running: Running) -> None:
    pong = await running.bus.request(PING, Ping(), pool="adapters")
    assert [(state.name, state.status) for state in pong.dependencies] == [("abacus", "up")]


async def test_every_declared_action_is_offered_once(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        module = ObservatoryModule(Wiring(settings_for(tmp_path), http, Meter(Telemetry.silent("test"))))
    offered = [offer.action for offer in module.offers]
    assert offered == [action for action in ACTIONS if action.module == module.name]


def test_time_left_counts_down_to_the_earliest_end() -> None:
    assert time_left(3.0) == 3.0
    with ends_in(10.0):
        assert time_left(3.0) == 3.0
        with ends_in(1.0):
            assert 0.9 < time_left(3.0) < 1.0
        with ends_in(60.0):
            assert time_left(30.0) < 10.0
    with ends_in(-1.0):
        assert time_left(3.0) == 0.001
