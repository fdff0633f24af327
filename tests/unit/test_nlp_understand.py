"""What a single message is understood as: plan, entities, questions back, requests of one message."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.nlp.dialogue.memory import after_request
from actors.nlp.registry import shipped
from actors.nlp.understand import understand
from schemas.adapters import Catalogue, Degraded
from schemas.context import Frame, Offer, WorkingMemory
from schemas.entities import Entity
from schemas.errors import InvalidInput
from schemas.nlp import Understanding, UnknownService, Utterance
from schemas.plans import Comparison, Plan, TimeRange
from tests.support.rankings import rank

NOW = datetime(2026, 11, 22, 14, 25, tzinfo=UTC)
SERVICES = ("checkout", "gateway", "inventory", "orders", "payment", "recommendation")
CATALOGUE = Catalogue(services=SERVICES, environments=("production", "staging"))
LAST_HOUR = TimeRange(start=NOW - timedelta(hours=1), end=NOW)


def read(text: str, memory: WorkingMemory | None = None, catalogue: Catalogue = CATALOGUE) -> Understanding:
    utterance = Utterance(text=text, as_of=NOW, memory=memory or WorkingMemory())
    return understand(utterance, catalogue, shipped(), rank)


def plan(text: str, memory: WorkingMemory | None = None, catalogue: Catalogue = CATALOGUE) -> Plan:
    """The plan of what is understood in full."""
    meaning = read(text, memory, catalogue)
    assert (meaning.missing, meaning.unknown_services) == ((), ()), meaning
    assert meaning.plan is not None
    return meaning.plan


def entities(meaning: Understanding) -> dict[str, Entity]:
    return {entity.type: entity for entity in meaning.entities}


def test_the_question_of_the_main_job() -> None:
    meaning = read("What is the error rate for the payment service in the last hour?")
    assert meaning.intent.name == "metric_query"
    assert (meaning.handling.handler, meaning.handling.permission) == ("metric_query", "telemetry.read")
    assert meaning.plan == Plan(intent="metric_query", service="payment", metric="error_rate", range=LAST_HOUR)
    found = entities(meaning)
    assert set(found) == {"metric", "service", "time_range"}
    assert (found["service"].value, found["service"].text) == ("payment", "payment service")
    assert (found["service"].start, found["service"].end) == (31, 46)
    assert found["time_range"].range == LAST_HOUR


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("p99 latency of orders", {"metric": "latency", "percentile": 0.99}),
        ("p99.9 of orders", {"metric": "latency", "percentile": 0.999}),
        ("latency of orders", {"metric": "latency", "percentile": 0.95}),
        ("average latency of orders", {"metric": "latency", "percentile": None, "aggregation": "avg"}),
        ("error rate of orders by endpoint", {"group_by": ("endpoint",)}),
        ("error rate by service", {"group_by": ("service",), "service": None}),
        ("top 3 services by error rate", {"group_by": ("service",), "top": 3}),
        ("which service has the highest latency", {"group_by": ("service",), "top": 1, "lowest": False}),
        ("the fastest endpoints of orders by latency", {"group_by": ("endpoint",), "lowest": True}),
        ("request rate of orders per minute", {"metric": "request_rate", "per_seconds": 60.0}),
        ("latency of orders as a graph", {"course": True}),
        ("error rate of orders in staging", {"environment": "staging"}),
        ("error rate of all services", {"service": None}),
        ("our error rate", {"service": None}),
        ("how many 502s did orders return", {"status_code": "502", "metric": "request_rate"}),
    ],
)
def test_parts_of_a_plan(text: str, given: dict[str, Any]) -> None:
    found = plan(text)
    assert {name: getattr(found, name) for name in given} == given


def test_two_services_stand_side_by_side() -> None:
    found = plan("compare the error rate of payment and checkout")
    assert found.intent == "metric_compare"
    assert found.comparison == Comparison(kind="service", sides=("payment", "checkout"))
    assert plan("are payment and checkout healthy").slots == {"services": "payment,checkout"}


def test_a_limit_is_in_base_units() -> None:
    found = plan("is the error rate of checkout above 2%")
    assert found.threshold is not None
    assert (found.threshold.operator, found.threshold.value, found.threshold.text) == (">", 0.02, "2%")


def test_operations_keep_what_they_need() -> None:
    deployed = plan("deploy payment 2.5.0 to staging")
    assert (deployed.service, deployed.version, deployed.environment) == ("payment", "2.5.0", "staging")
    assert deployed.range is None
    assert plan("scale orders to 5 replicas").slots == {"quantity": "5"}
    opened = plan("open a sev2 incident: customers cannot pay")
    assert opened.slots["severity"] == "high"
    assert "customers cannot pay" in opened.slots["title" if "title" in opened.slots else "text"]


# --- questions back ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "missing", "options"),
    [
        ("what is the error rate?", ("service",), SERVICES),
        ("show me the logs", ("service",), SERVICES),
        ("deploy checkout", ("version", "environment"), ()),
        ("deploy checkout 3.9.0", ("environment",), ("production", "staging")),
        ("scale orders", ("quantity",), ()),
        ("roll back", ("service",), SERVICES),
        ("open an incident", ("title",), ()),
        ("acknowledge it", ("incident_id",), ()),
        ("compare payment and checkout", ("metric",), ("error rate", "latency", "request rate")),
        ("write tests", ("test_target",), ()),
        ("why?", ("service",), SERVICES),
    ],
)
def test_what_is_missing_is_asked_for(text: str, missing: tuple[str, ...], options: tuple[str, ...]) -> None:
    meaning = read(text)
    assert (meaning.missing, meaning.options) == (missing, options)
    assert meaning.memory.question is not None


@pytest.mark.parametrize(
    ("services", "text"),
    [
        (("orders", "order-service"), "latency of the order api"),
        (("payment-eu", "payment-us", "orders"), "latency of the payment service"),
    ],
)
def test_two_equally_good_services_are_a_question_back(services: tuple[str, ...], text: str) -> None:
    meaning = read(text, catalogue=Catalogue(services=services))
    assert (meaning.missing, meaning.options, meaning.ambiguous) == (("service",), services[:2], True)
    assert meaning.plan is not None
    assert meaning.plan.service is None


@pytest.mark.parametrize(
    ("text", "name", "near"),
    [
        ("error rate of the foo service", "foo", ()),
        ("latency for foo-bar over the last 24h", "foo-bar", ()),
        ("is the foo service healthy?", "foo", ()),
        ("error rate for payout", "payout", ("payment",)),
    ],
)
def test_unknown_services_are_told_with_near_ones(text: str, name: str, near: tuple[str, ...]) -> None:
    meaning = read(text)
    assert meaning.unknown_services == (UnknownService(name=name, near=near),)
    assert (meaning.missing, meaning.options) == (("service",), near or SERVICES)


@pytest.mark.parametrize(
    "catalogue",
    [Catalogue(), Catalogue(services=("payment",), degraded=(Degraded(part="prometheus", reason="away"),))],
)
def test_a_catalogue_that_cannot_know_takes_names_as_given(catalogue: Catalogue) -> None:
    assert plan("error rate of the checkout service", catalogue=catalogue).service == "checkout"


def test_a_service_that_went_away_is_told() -> None:
    known = read("error rate of ledger", catalogue=Catalogue(services=("ledger",))).memory
    assert read("and the p99?", known).unknown_services == (UnknownService(name="ledger"),)


# --- several requests --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "condition", "operator"),
    [
        ("show the error rate of checkout and open an incident if it is above 2%",
         ("metric_query", "incident_create"), "it is above 2%", ">"),
        ("check the latency of orders, and if it is over 500ms scale it to 5",
         ("metric_query", "scale"), "it is over 500ms", ">"),
        ("show the latency of orders and roll back orders unless it is below 1s",
         ("metric_query", "rollback"), "it is below 1s", ">="),
        ("is the error rate of payment above 2%? If so, roll back payment.",
         ("metric_query", "rollback"), "so", ">"),
        ("is the error rate of payment above 2%? If not, deploy payment 2.5.0 to staging.",
         ("metric_query", "deploy"), "not", "<="),
        ("roll back payment and then show me its error rate", ("rollback", "metric_query"), None, None),
        ("What's the p95 of gateway? Also list the incidents.", ("metric_query", "incident_query"), None, None),
    ],
)  # fmt: skip
def test_requests_of_one_message(
    text: str, names: tuple[str, ...], condition: str | None, operator: str | None
) -> None:
    meaning = read(text)
    assert (meaning.intent.name, *(part.intent.name for part in meaning.parts)) == names
    (part,) = meaning.parts
    assert part.condition_text == condition
    assert (part.condition.operator if part.condition else None) == operator
    assert part.missing == ()


@pytest.mark.parametrize(
    "text",
    [
        "open an incident if the error rate of checkout is above 2%",
        "if the error rate of checkout is above 2%, open an incident",
        "show me which services are down, please",
        "compare checkout and payment by error rate and tell me",
        "Payment is slow. Why?",
        "can you check and tell me the error rate of payment",
    ],
)
def test_one_request_said_in_pieces_is_one(text: str) -> None:
    assert read(text).parts == ()


def test_figures_in_one_breath_are_asked_one_by_one() -> None:
    meaning = read("error rate, p50 and p99 of payment")
    assert [(one.metric, one.percentile) for one in _plans(meaning)] == [
        ("error_rate", None),
        ("latency", 0.5),
        ("latency", 0.99),
    ]
    assert all(one.service == "payment" for one in _plans(meaning))


def test_a_condition_on_another_figure_is_not_judged_by_the_first() -> None:
    (part,) = read("show the error rate of checkout and open an incident if the p99 is above 2s").parts
    assert part.condition is None
    assert part.condition_text == "the p99 is above 2s"


def _plans(meaning: Understanding) -> list[Plan]:
    return [one for one in (meaning.plan, *(part.plan for part in meaning.parts)) if one is not None]


# --- anything ----------------------------------------------------------------------------------------

PLAN = Plan(intent="metric_query", service="payment", metric="error_rate", range=LAST_HOUR)
ASKED = after_request(WorkingMemory(), PLAN, Frame(plan=PLAN), (), ())
OPEN = after_request(WorkingMemory(), PLAN, Frame(plan=PLAN), ("service",), SERVICES)
OFFERED = ASKED.model_copy(update={"offer": Offer(kind="upstream", plan=PLAN, text="Shall I investigate?")})
WORDS = """error rate p99 p95 latency rps payment checkout service the of for is are ok status all yes no
please and what about last hour 30 minutes yesterday since 14:00 between foo-bar paymnt slow it that second one
errors how many which help ? , . ; order gateway 502 bad median why rollback investigate if above 2% then back to
deploy 2.5.0 staging scale 5 replicas INC-12 not sorry I meant first both again by endpoint top 3 compare"""
TEXTS = st.lists(st.sampled_from(WORDS.split()), max_size=18).map(" ".join) | st.text(max_size=400)


@given(TEXTS, st.sampled_from([WorkingMemory(), ASKED, OPEN, OFFERED]))
def test_no_text_breaks_it_and_spans_are_exact(text: str, memory: WorkingMemory) -> None:
    meaning = read(text, memory)
    for one in (meaning, *meaning.parts):
        for entity in one.entities:
            assert text[entity.start : entity.end] == entity.text
            assert (entity.resolved_from == "history") == (entity.text == "")
    named = sorted((entity for entity in meaning.entities if entity.text), key=lambda entity: entity.start)
    assert all(before.end <= after.start for before, after in pairwise(named))
    assert WorkingMemory.model_validate_json(meaning.memory.model_dump_json()) == meaning.memory
    assert len(meaning.memory.frames) <= 6


@pytest.mark.parametrize(
    "piece",
    ["a ", "yesterday from ", "between 2 and ", "9", "of foo ", "a-", "1h", "nov 3 ", "error ", "p", "\u0130",
     "yes ", " ", "and show ", "if ", ", then open ", "ok   ", "the second one ", "no, not ", "back to "],
)  # fmt: skip
def test_the_longest_text_takes_bounded_time(piece: str) -> None:
    text = (piece * 10_000)[:10_000]
    many = Catalogue(services=tuple(f"svc-{number}-thing" for number in range(300)))
    started = time.process_time()
    read(text, ASKED, catalogue=many)
    assert time.process_time() - started < 5


def test_an_impossible_zone_or_instant_is_refused() -> None:
    for utterance in (
        Utterance(text="error rate", as_of=NOW, timezone="Nowhere/City"),
        Utterance(text="error rate", as_of=datetime(1, 1, 1, tzinfo=UTC)),
    ):
        with pytest.raises(InvalidInput):
            understand(utterance, CATALOGUE, shipped(), rank)
