"""What later messages of a conversation mean: a few dialogues, each turn held against its annotation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.nlp.dialogue.ordinals import Ordinal, ordinal
from actors.nlp.evaluation.dialogues import Dialogue, read, score
from actors.nlp.registry import shipped
from actors.nlp.understand import understand
from schemas.adapters import Catalogue
from schemas.context import Offer, Shown, WorkingMemory
from schemas.nlp import Understanding, Utterance
from schemas.plans import Plan, TimeRange
from tests.support.rankings import rank

NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
CATALOGUE = Catalogue(
    services=("checkout", "gateway", "inventory", "model", "orders", "payment", "recommendation"),
    environments=("production", "staging"),
)
DIALOGUES = read(Path(__file__).with_name("dialogues.jsonl"))


def say(text: str, memory: WorkingMemory) -> Understanding:
    return understand(Utterance(text=text, as_of=NOW, memory=memory), CATALOGUE, shipped(), rank)


def talk(*texts: str) -> Understanding:
    """The understanding of the last one."""
    memory, meaning = WorkingMemory(), None
    for text in texts:
        meaning = say(text, memory)
        memory = meaning.memory
    assert meaning is not None
    return meaning


def plan(*texts: str) -> Plan:
    found = talk(*texts).plan
    assert found is not None
    return found


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: f"{dialogue.kind}-{dialogue.name}")
def test_every_turn_is_entirely_right(dialogue: Dialogue) -> None:
    report = score([dialogue], CATALOGUE, shipped(), rank)
    assert report.failures == ()
    assert report.accuracy == 1.0


def test_a_wrong_turn_is_told_with_what_is_wrong() -> None:
    first = DIALOGUES[0]
    turn = first.turns[0].model_copy(update={"intent": "deploy", "entities": (), "missing": ("version",)})
    report = score([first.model_copy(update={"turns": (turn,)})], CATALOGUE, shipped(), rank)
    (outcome,) = report.failures
    assert {word.split()[0] for word in outcome.wrong} == {"intent", "has", "missing"}
    assert (report.accuracy, report.by_kind, report.turns_by_kind) == (0.0, {first.kind: 0.0}, {first.kind: 1})


# --- plans of follow-ups -----------------------------------------------------------------------------

ASKED = "error rate of payment yesterday"
YESTERDAY = TimeRange(start=datetime(2026, 11, 23, tzinfo=UTC), end=datetime(2026, 11, 24, tzinfo=UTC))


def test_a_follow_up_keeps_the_window_and_drops_what_has_no_place() -> None:
    found = plan(ASKED, "and the p99?")
    assert (found.metric, found.percentile, found.service, found.range) == (
        "latency",
        0.99,
        "payment",
        YESTERDAY,
    )
    assert plan("p99 of payment", "and the error rate?").percentile is None


def test_a_full_question_owes_nothing_to_the_one_before() -> None:
    found = plan(ASKED, "error rate of checkout")
    assert found.range == TimeRange(start=NOW.replace(hour=14), end=NOW)


def test_the_form_goes_on_until_another_one_is_asked_for() -> None:
    assert plan("top 3 services by error rate", "and by latency?").top == 3
    assert plan("error rate of payment by endpoint", "same for orders").group_by == ("endpoint",)
    ranked_out = plan("which services have the highest error rate", "and payment?")
    assert (ranked_out.service, ranked_out.group_by, ranked_out.top) == ("payment", (), None)


def test_by_service_asks_for_all_of_them() -> None:
    found = talk("error rate of payment", "and by service?")
    assert found.plan is not None
    assert (found.plan.service, found.plan.group_by, found.missing) == (None, ("service",), ())


def test_what_was_said_of_everything_stays_so() -> None:
    assert talk("is everything ok?", "and the error rate?").missing == ()


def test_every_service_instead_of_one() -> None:
    assert plan(ASKED, "and for all services?").service is None


def test_the_window_before_the_one_of_the_last_answer() -> None:
    found = plan("error rate of payment since 14:00", "and the hour before that?")
    assert found.range == TimeRange(start=NOW.replace(hour=13, minute=0), end=NOW.replace(hour=14, minute=0))


def test_a_version_is_not_carried_over_to_another_service() -> None:
    assert talk("deploy payment 2.5.0 to staging", "and orders").missing == ("version",)
    assert plan("deploy payment 2.5.0 to staging", "same for orders").version == "2.5.0"


def test_figures_name_no_place_to_deploy_to() -> None:
    assert "environment" in talk("error rate of payment in staging", "deploy it").missing


def test_a_default_window_moves_on_with_the_clock() -> None:
    first = talk("error rate of payment").memory
    later = understand(
        Utterance(text="and the p99?", as_of=NOW.replace(hour=18), memory=first), CATALOGUE, shipped(), rank
    )
    assert later.plan is not None
    assert later.plan.range is not None
    assert later.plan.range.end == NOW.replace(hour=18)


# --- yes and no --------------------------------------------------------------------------------------


def offered(text: str = "error rate of payment yesterday") -> WorkingMemory:
    memory = talk(text).memory
    assert memory.plan is not None
    offer = Offer(kind="upstream", plan=memory.plan, text="Shall I investigate the upstream dependencies?")
    return memory.model_copy(update={"offer": offer})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("yes", "affirm"),
        ("yes, investigate the upstream dependencies", "affirm"),
        ("Investigate the upstream dependencies", "affirm"),
        ("ok, investigate", "affirm"),
        ("why not", "affirm"),
        ("no", "deny"),
        ("not now", "deny"),
        ("never mind", "deny"),
        ("no, I meant orders", "metric_query"),
        ("yes, and checkout?", "metric_query"),
        ("no, show me the logs", "log_query"),
    ],
)
def test_the_answer_to_an_offer(text: str, name: str) -> None:
    assert say(text, offered()).intent.name == name


def test_a_yes_carries_the_offered_plan_and_its_permission() -> None:
    meaning = say("yes", offered())
    assert meaning.plan == talk(ASKED).plan
    assert (meaning.handling.handler, meaning.handling.permission) == ("upstream", "telemetry.read")
    assert meaning.memory.offer is None


def test_a_yes_may_change_what_was_offered() -> None:
    found = say("yes, for the last hour", offered())
    assert found.intent.name == "affirm"
    assert found.plan is not None
    assert found.plan.range == TimeRange(start=NOW.replace(hour=14), end=NOW)


def test_a_yes_before_a_request_takes_up_both() -> None:
    meaning = say("yes please, and show me the logs of orders", offered())
    assert (meaning.intent.name, [part.intent.name for part in meaning.parts]) == ("affirm", ["log_query"])


def test_a_yes_takes_the_only_option() -> None:
    asked = talk("error rate of payout").memory
    meaning = say("yes", asked)
    assert (meaning.intent.name, meaning.missing) == ("metric_query", ())
    assert meaning.plan is not None
    assert meaning.plan.service == "payment"


def test_a_no_drops_the_question_and_its_request() -> None:
    asked = talk("is checkout healthy", "deploy payment 2.5.0")
    assert asked.memory.question is not None
    after = say("no", asked.memory)
    assert (after.intent.name, after.memory.question) == ("deny", None)
    assert after.memory.plan is not None
    assert after.memory.plan.intent == "service_health"


# --- places in lists ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the second one", Ordinal("places", (1,))),
        ("logs of the first service", Ordinal("places", (0,), "service")),
        ("the last two", Ordinal("places", (-2, -1))),
        ("2", Ordinal("places", (1,))),
        ("number 3 please", Ordinal("places", (2,))),
        ("who is on #2", Ordinal("places", (1,))),
        ("the second to last incident", Ordinal("places", (-2,), "incident")),
        ("both", Ordinal("all")),
        ("all of them", Ordinal("all")),
        ("all services", Ordinal("any")),
        ("the other one", Ordinal("other")),
        ("the worst one", Ordinal("places", (0,))),
        ("the 3 slowest services", None),
        ("in the first place i want", None),
        ("show me everything you have", Ordinal("any")),
        ("error rate", None),
    ],
)
def test_places(text: str, expected: Ordinal | None) -> None:
    assert ordinal(text) == expected


def test_a_place_beyond_the_list_is_asked_for() -> None:
    memory = talk("is everything ok?").memory.model_copy(
        update={"shown": Shown(type="service", names=("payment", "orders"))}
    )
    assert say("logs of the third one", memory).missing == ("service",)


def test_a_list_is_pointed_into_until_another_one_is_shown() -> None:
    memory = talk("is everything ok?").memory.model_copy(
        update={"shown": Shown(type="service", names=("payment", "orders", "model"))}
    )
    second = say("logs of the second one", memory)
    third = say("and the third?", second.memory)
    assert [one.plan.service for one in (second, third) if one.plan] == ["orders", "model"]


def test_memory_is_bounded() -> None:
    memory = WorkingMemory()
    for number in range(40):
        memory = say(f"error rate of payment in the last {number + 1} hours", memory).memory
    assert len(memory.frames) == 6
