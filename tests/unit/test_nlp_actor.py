"""The pool's actor on the bus: it serves, waits a little for the first catalogue, and keeps the last good one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.nlp.actor import SHORT_TEXT, NlpActor
from actors.platform.bus import Bus
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.config import Settings, load
from actors.platform.pool.actor import Place
from schemas.adapters import Catalogue, Command, Degraded, Outcome
from schemas.envelope import Envelope
from schemas.errors import BackendUnavailable, InvalidInput
from schemas.nlp import Understanding, Utterance
from schemas.subjects import ACT, UNDERSTAND
from tests.support.rankings import KeywordRanker

NOW = datetime(2026, 11, 22, 14, 25, tzinfo=UTC)


class Observatory:
    """Stands where the adapters pool would: answers the action with what it is told to."""

    def __init__(self) -> None:
        self.catalogue = Catalogue(services=("payment", "orders"))
        self.away = False
        self.asked = 0

    async def act(self, envelope: Envelope[Command]) -> Outcome:
        self.asked += 1
        assert envelope.data.identity.may("telemetry.read")
        if self.away:
            raise BackendUnavailable("Prometheus does not answer")
        return Outcome(output=self.catalogue.model_dump(mode="json"), degraded=self.catalogue.degraded)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setenv("COPILOT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COPILOT_OBSERVATORY__CATALOGUE_TTL_SECONDS", "0.05")
    monkeypatch.setenv("COPILOT_CATALOGUE__SERVICES", '["configured"]')
    return load()


@pytest.fixture
async def server() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
async def client(server: MemoryServer) -> AsyncIterator[Bus]:
    bus = Bus(MemoryTransport(server), "test-0")
    await bus.connect()
    yield bus
    await bus.close()


@pytest.fixture
async def actor(server: MemoryServer, settings: Settings) -> AsyncIterator[NlpActor]:
    actor = NlpActor(Place("nlp", "nlp-0", settings), MemoryTransport(server), ranker=KeywordRanker())
    await actor.start()
    yield actor
    await actor.stop()


async def serve(bus: Bus, observatory: Observatory) -> None:
    await bus.serve(ACT, observatory.act, module="observatory", action="catalogue")


async def ask(bus: Bus, text: str) -> Understanding:
    return await bus.request(UNDERSTAND, Utterance(text=text, as_of=NOW), seconds=10, once=True)


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + 5
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_it_understands_with_the_fetched_catalogue(client: Bus, actor: NlpActor) -> None:
    await serve(client, Observatory())
    meaning = await ask(client, "error rate of payout")
    assert meaning.unknown_services[0].near == ("payment",)
    meaning = await ask(client, "error rate of the Payment API")
    assert meaning.plan is not None
    assert meaning.plan.service == "payment"


async def test_only_the_first_utterance_waits_and_not_for_long(client: Bus, actor: NlpActor) -> None:
    started = time.monotonic()
    meaning = await ask(client, "error rate of configured")
    assert 1.0 < time.monotonic() - started < 4.0
    assert meaning.plan is not None
    assert meaning.plan.service == "configured"
    started = time.monotonic()
    stranger = await ask(client, "error rate of the stranger service")
    assert time.monotonic() - started < 1.0
    assert stranger.unknown_services == ()  # nobody could say that it does not exist


async def test_a_late_catalogue_is_taken_up(client: Bus, actor: NlpActor) -> None:
    await ask(client, "help")
    await serve(client, Observatory())

    async def knows() -> bool:
        return (await ask(client, "latency of ledgers")).unknown_services != ()

    await eventually(knows)


async def test_a_change_is_seen_and_the_last_good_one_kept(client: Bus, actor: NlpActor) -> None:
    observatory = Observatory()
    await serve(client, observatory)
    await ask(client, "help")
    observatory.catalogue = Catalogue(services=("payment", "orders", "ledger"))

    async def sees_ledger() -> bool:
        return (await ask(client, "error rate of ledger")).unknown_services == ()

    await eventually(sees_ledger)
    observatory.away = True
    await _asked_again(observatory)
    assert await sees_ledger()
    observatory.away = False
    observatory.catalogue = Catalogue(
        services=("configured",), degraded=(Degraded(part="prometheus", reason="away"),)
    )
    await _asked_again(observatory)
    assert await sees_ledger()
    assert (await ask(client, "error rate of stranger")).unknown_services != ()


async def _asked_again(observatory: Observatory) -> None:
    """Two more fetches: the answer to the first of them has arrived then."""
    seen = observatory.asked

    async def asked() -> bool:
        return observatory.asked >= seen + 2

    await eventually(asked)


async def test_a_long_text_is_understood_too(client: Bus, actor: NlpActor) -> None:
    await serve(client, Observatory())
    meaning = await ask(client, "well " * SHORT_TEXT + "error rate of payment")
    assert meaning.plan is not None
    assert meaning.plan.service == "payment"


async def test_a_wrong_zone_is_the_callers_mistake(client: Bus, actor: NlpActor) -> None:
    await serve(client, Observatory())
    with pytest.raises(InvalidInput):
        await client.request(UNDERSTAND, Utterance(text="help", as_of=NOW, timezone="Nowhere/City"), once=True)
