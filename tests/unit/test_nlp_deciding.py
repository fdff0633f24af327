"""A language model decides about unsure messages; whatever becomes of it, the classifier's word is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actors.nlp.actor import NlpActor
from actors.platform.bus import Bus
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.pool.actor import Place
from schemas.adapters import Catalogue, ChosenIntent, Command, IntentChoice, Outcome, Usage
from schemas.envelope import Envelope
from schemas.errors import BackendUnavailable
from schemas.nlp import Understanding, Utterance
from schemas.subjects import ACT, UNDERSTAND
from tests.support.rankings import KeywordRanker
from tests.support.servers import settings_for

NOW = datetime(2026, 11, 22, 14, 25, tzinfo=UTC)
USAGE = Usage(model="openai/small", input_tokens=120, output_tokens=6, cost_usd=0.0001)
UNSURE = 0.3


@dataclass
class Models:
    """Stands where the models' pool would."""

    says: str = "root_cause"
    fails: bool = False
    asked: list[IntentChoice] = field(default_factory=list[IntentChoice])

    async def act(self, envelope: Envelope[Command]) -> Outcome:
        self.asked.append(IntentChoice.model_validate(envelope.data.input))
        if self.fails:
            raise BackendUnavailable("small did not answer within 8 s")
        return Outcome(output=ChosenIntent(intent=self.says, usage=USAGE).model_dump(mode="json"))


async def catalogue(envelope: Envelope[Command]) -> Outcome:
    return Outcome(output=Catalogue(services=("payment", "orders")).model_dump(mode="json"))


@asynccontextmanager
async def talking(
    tmp_path: Path, models: Models | None, confidence: float = UNSURE, **environment: str
) -> AsyncIterator[Any]:
    """Asks an actor whose classifier is that sure of itself."""
    given = {"COPILOT_LLM__PROVIDER": "openai", "COPILOT_LLM__MODEL": "small", **environment}
    server = MemoryServer()
    bus = Bus(MemoryTransport(server), "test-0")
    await bus.connect()
    await bus.serve(ACT, catalogue, module="observatory", action="catalogue")
    if models is not None:
        await bus.serve(ACT, models.act, module="models", action="choose_intent")
    place = Place("nlp", "nlp-0", settings_for(tmp_path, **given))
    actor = NlpActor(place, MemoryTransport(server), ranker=KeywordRanker(confidence=confidence))
    await actor.start()

    async def ask(text: str) -> Understanding:
        return await bus.request(UNDERSTAND, Utterance(text=text, as_of=NOW), seconds=10, once=True)

    yield ask
    await actor.stop()
    await bus.close()


TEXT = "the status of payment worries me, why"


async def test_the_model_chooses_among_the_likeliest(tmp_path: Path) -> None:
    models = Models()
    async with talking(tmp_path, models) as ask:
        meaning = await ask(TEXT)
    assert (meaning.intent.name, meaning.handling.handler) == ("root_cause", "root_cause")
    assert (meaning.usage, meaning.degraded) == (USAGE, ())
    assert meaning.plan is not None
    assert (meaning.plan.intent, meaning.plan.service) == ("root_cause", "payment")
    (asked,) = models.asked
    assert asked.text == TEXT
    assert {"root_cause", "service_health", "out_of_scope"} <= {one.name for one in asked.candidates}
    assert all(one.description for one in asked.candidates)


async def test_it_may_refuse(tmp_path: Path) -> None:
    async with talking(tmp_path, Models(says="out_of_scope")) as ask:
        meaning = await ask(TEXT)
    assert (meaning.intent.name, meaning.plan) == ("out_of_scope", None)


async def test_it_is_not_asked_where_the_classifier_is_sure(tmp_path: Path) -> None:
    models = Models()
    async with talking(tmp_path, models, confidence=0.95) as ask:
        meaning = await ask(TEXT)
    assert (models.asked, meaning.usage, meaning.degraded) == ([], None, ())


async def test_it_is_not_asked_where_a_rule_decided(tmp_path: Path) -> None:
    models = Models()
    async with talking(tmp_path, models) as ask:
        assert (await ask("p99 of payment")).intent.name == "metric_query"
        assert (await ask("yes")).intent.name == "affirm"
    assert models.asked == []


async def test_it_is_not_asked_where_none_is_configured(tmp_path: Path) -> None:
    models = Models()
    async with talking(tmp_path, models, COPILOT_LLM__PROVIDER="none") as ask:
        meaning = await ask(TEXT)
    assert (models.asked, meaning.degraded) == ([], ())


@pytest.mark.parametrize(
    ("models", "reason"),
    [
        (Models(fails=True), "small did not answer within 8 s"),
        (Models(says="make_coffee"), "the model's answer cannot be read"),
        (None, "nobody"),
    ],
)
async def test_its_failure_changes_nothing_but_what_is_degraded(
    tmp_path: Path, models: Models | None, reason: str
) -> None:
    async with talking(tmp_path, models) as ask:
        with_model = await ask(TEXT)
    async with talking(tmp_path, None, COPILOT_LLM__PROVIDER="none") as ask:
        without = await ask(TEXT)
    (degraded,) = with_model.degraded
    assert degraded.part == "llm"
    assert reason in degraded.reason
    assert with_model.model_copy(update={"degraded": ()}) == without
