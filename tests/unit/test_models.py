"""The breaker, the budget and the choice, without a model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actors.adapters.models.budget import Budget
from actors.adapters.models.choice import LONGEST_TEXT, chosen, messages, schema
from actors.platform.config import ConfigurationError
from actors.platform.guard.breaker import Breaker
from schemas.adapters import IntentCandidate, IntentChoice
from tests.support.servers import settings_for

ASKED = IntentChoice(
    text="why is it slow",
    candidates=(
        IntentCandidate(name="root_cause", description="Why something happened."),
        IntentCandidate(name="out_of_scope", description="Everything else."),
    ),
    context="metric_query",
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_breaker_opens_after_failures_in_a_row() -> None:
    breaker = Breaker(2, 30.0, Clock())
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert (breaker.state, breaker.admits(), breaker.remaining) == ("open", False, 30.0)


def test_half_open_lets_one_probe_through_whose_outcome_decides() -> None:
    clock = Clock()
    breaker = Breaker(1, 30.0, clock)
    breaker.failed()
    clock.now = 30.0
    assert (breaker.state, breaker.remaining) == ("half_open", 0.0)
    assert breaker.admits()
    assert not breaker.admits()
    breaker.failed()
    assert breaker.state == "open"
    clock.now = 60.0
    assert breaker.admits()
    breaker.withdrawn()
    assert breaker.admits()
    breaker.succeeded()
    assert (breaker.state, breaker.admits()) == ("closed", True)


async def test_a_budget_holds_for_a_day() -> None:
    today = [datetime(2026, 11, 22, 23, 59, tzinfo=UTC)]
    budget = Budget(0.5, "", lambda: today[0])
    assert await budget.left()
    await budget.spend(0.3)
    await budget.spend(0.0)
    assert await budget.left()
    await budget.spend(0.3)
    assert not await budget.left()
    today[0] += timedelta(minutes=2)
    assert await budget.left()


async def test_a_budget_of_nothing_has_no_limit_and_a_lost_redis_is_done_without() -> None:
    unlimited = Budget(0.0, "")
    await unlimited.spend(1_000.0)
    assert await unlimited.left()
    away = Budget(0.5, "redis://127.0.0.1:9/0")
    await away.spend(0.6)
    assert not await away.left()
    await away.close()


def test_the_choice_is_bound_to_the_candidates() -> None:
    assert schema(ASKED)["properties"]["intent"]["enum"] == ["root_cause", "out_of_scope"]
    assert chosen(' {"intent": "root_cause"} ', ASKED) == "root_cause"
    for text in ("root_cause", '{"intent": "deploy"}', '["root_cause"]', "{}", '{"intent": null}'):
        with pytest.raises(ValueError, match="the model's answer"):
            chosen(text, ASKED)


def test_the_model_sees_the_candidates_the_context_and_a_bounded_text() -> None:
    long = ASKED.model_copy(update={"text": "x" * 10_000})
    system, user = messages(long)
    assert system["role"] == "system"
    assert "- root_cause: Why something happened." in user["content"]
    assert "metric_query" in user["content"]
    assert "x" * LONGEST_TEXT in user["content"]
    assert "x" * (LONGEST_TEXT + 1) not in user["content"]


def test_a_provider_without_a_model_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="COPILOT_LLM__MODEL"):
        settings_for(tmp_path, COPILOT_LLM__PROVIDER="openai")


def test_the_pool_has_processes_only_where_a_provider_is_configured(tmp_path: Path) -> None:
    assert settings_for(tmp_path).pools["models"].size == 0
    configured = settings_for(tmp_path, COPILOT_LLM__PROVIDER="openai", COPILOT_LLM__MODEL="small")
    assert configured.pools["models"].size == 1
