"""What an utterance is understood as."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.nlp.understand import understand
from schemas.adapters import Catalogue, Degraded
from schemas.context import Offer, WorkingMemory
from schemas.errors import InvalidInput
from schemas.nlp import Understanding, UnknownService, Utterance
from schemas.plans import Plan, TimeRange

NOW = datetime(2026, 11, 22, 14, 25, tzinfo=UTC)
SERVICES = ("checkout", "gateway", "inventory", "orders", "payment", "recommendation")
CATALOGUE = Catalogue(services=SERVICES)
LAST_HOUR = TimeRange(start=NOW - timedelta(hours=1), end=NOW)
BEFORE = TimeRange(start=NOW - timedelta(hours=3), end=NOW - timedelta(hours=2))
PLAN = Plan(intent="metric_query", service="payment", metric="error_rate", range=BEFORE)
ASKED = WorkingMemory(plan=PLAN)
OFFERED = WorkingMemory(plan=PLAN, offer=Offer(kind="upstream", plan=PLAN, text="Shall I?"))


def read(text: str, memory: WorkingMemory | None = None, catalogue: Catalogue = CATALOGUE) -> Understanding:
    return understand(Utterance(text=text, as_of=NOW, memory=memory or WorkingMemory()), catalogue)


def plan(text: str, memory: WorkingMemory | None = None, catalogue: Catalogue = CATALOGUE) -> Plan:
    """The plan of what is understood in full."""
    meaning = read(text, memory, catalogue)
    assert (meaning.missing, meaning.unknown_services) == ((), ()), meaning
    assert meaning.plan is not None
    return meaning.plan


def test_the_question_of_the_main_job() -> None:
    text = "What is the error rate for the payment service in the last hour?"
    meaning = read(text)
    assert meaning.intent.name == "metric_query"
    assert meaning.intent.confidence > 0.9
    assert meaning.plan == Plan(intent="metric_query", service="payment", metric="error_rate", range=LAST_HOUR)
    found = {entity.type: entity for entity in meaning.entities}
    assert set(found) == {"metric", "service", "time_range"}
    assert (found["service"].value, found["service"].text) == ("payment", "payment service")
    assert (found["service"].start, found["service"].end) == (31, 46)
    assert found["time_range"].range == LAST_HOUR
    assert found["metric"].value == "error_rate"


@pytest.mark.parametrize(
    ("text", "service", "metric", "percentile"),
    [
        ("error rate of payment", "payment", "error_rate", None),
        ("how many errors does checkout have", "checkout", "error_rate", None),
        ("How many requests failed in orders?", "orders", "error_rate", None),
        ("Are there any errors in inventory?", "inventory", "error_rate", None),
        ("p99 of orders last 30 min", "orders", "latency", 0.99),
        ("what was the 99.9th percentile of recommendation", "recommendation", "latency", 0.999),
        ("PaymentService median latency today", "payment", "latency", 0.5),
        ("how slow is the checkout", "checkout", "latency", 0.95),
        ("99th percentile response time for checkout service yesterday?", "checkout", "latency", 0.99),
        ("help me with the p95 latency of the Payment API", "payment", "latency", 0.95),
        ("rps of gateway", "gateway", "request_rate", None),
        ("requests per second on the gateway", "gateway", "request_rate", None),
        ("how many requests did the order service get?", "orders", "request_rate", None),
        ("traffic on inventory over 6h", "inventory", "request_rate", None),
        ("throughput of payment-svc", "payment", "request_rate", None),
        ("error rate of all services", None, "error_rate", None),
        ("what is the overall latency", None, "latency", 0.95),
        ("502 Bad Gateway errors of checkout", "checkout", "error_rate", None),
        ("in order to see the error rate overall", None, "error_rate", None),
    ],
)
def test_metric_questions(text: str, service: str | None, metric: str, percentile: float | None) -> None:
    found = plan(text)
    assert (found.intent, found.service, found.metric, found.percentile) == (
        "metric_query",
        service,
        metric,
        percentile,
    )


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("is payment ok?", "payment"),
        ("status of all services", None),
        ("is everything ok?", None),
        ("how is checkout doing", "checkout"),
        ("how is the payment-svc?", "payment"),
        ("health of recommendations", "recommendation"),
        ("are any services down?", None),
        ("is the site up?", None),
        ("payment", "payment"),
        ("which service has the highest error rate?", None),
    ],
)
def test_health_questions(text: str, service: str | None) -> None:
    found = plan(text)
    assert (found.intent, found.service, found.range) == ("service_health", service, LAST_HOUR)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("help", "help"),
        ("what can you do", "help"),
        ("How can you help me?", "help"),
        ("yes please", "affirm"),
        ("of course, go ahead", "affirm"),
        ("Sure!", "affirm"),
        ("ok", "affirm"),
        ("no thanks", "deny"),
        ("don't do that", "deny"),
        ("maybe later", "deny"),
        ("what's the weather in Paris", "out_of_scope"),
        ("I made errors in my life", "out_of_scope"),
        ("hello", "out_of_scope"),
        ("thanks", "out_of_scope"),
        ("how are you", "out_of_scope"),
        ("rollback payment", "out_of_scope"),
        ("delete all data", "out_of_scope"),
        ("write a poem about latency", "out_of_scope"),
        ("show me the logs of checkout", "out_of_scope"),
        ("is it ok?", "out_of_scope"),
        ("?!", "out_of_scope"),
        ("   ", "out_of_scope"),
    ],
)
def test_talk(text: str, name: str) -> None:
    meaning = read(text)
    assert (meaning.intent.name, meaning.plan) == (name, None)
    assert 0.5 < meaning.intent.confidence < 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("yes", "affirm"),
        ("yes, investigate the upstream dependencies", "affirm"),
        ("Investigate the upstream dependencies", "affirm"),
        ("no", "deny"),
        ("not now", "deny"),
        ("no, I meant orders", "metric_query"),
        ("yes, and checkout?", "metric_query"),
    ],
)
def test_the_answer_to_an_offer(text: str, name: str) -> None:
    assert read(text, OFFERED).intent.name == name


# --- services --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "payment",
        "payments",
        "payment service",
        "payment-svc",
        "payment_service",
        "PaymentService",
        "paymentservice",
        "the Payment API",
        "payment   service",
        "PAYMENT",
        "service payment",
        "payment microservice",
    ],
)
def test_names_are_forgiving_in_form(name: str) -> None:
    meaning = read(f"error rate of {name}?")
    assert meaning.plan is not None
    assert meaning.plan.service == "payment"
    assert [entity.value for entity in meaning.entities if entity.type == "service"] == ["payment"]


@pytest.mark.parametrize(
    ("catalogued", "said"),
    [
        ("payment-service", "payments"),
        ("PaymentService", "payment api"),
        ("user-profile", "user profile service"),
        ("user_profile", "userprofile"),
        ("s3-proxy", "s3 proxy"),
        ("caches", "cache"),
        ("inventories", "inventory"),
    ],
)
def test_the_plan_has_the_catalogues_own_name(catalogued: str, said: str) -> None:
    assert plan(f"latency of {said}", catalogue=Catalogue(services=("other", catalogued))).service == catalogued


def test_a_name_as_written_wins_over_one_alike() -> None:
    both = Catalogue(services=("payment", "payment-api", "orders", "order-service"))
    assert plan("error rate of payment", catalogue=both).service == "payment"
    assert plan("error rate of payment-api", catalogue=both).service == "payment-api"
    assert plan("error rate of the payment api", catalogue=both).service == "payment-api"


@pytest.mark.parametrize(
    ("services", "text"),
    [
        (("orders", "order-service"), "latency of the order api"),
        (("payment-eu", "payment-us", "orders"), "latency of the payment service"),
    ],
)
def test_two_equally_good_services_are_a_question_back(services: tuple[str, ...], text: str) -> None:
    meaning = read(text, catalogue=Catalogue(services=services))
    assert (meaning.missing, meaning.options) == (("service",), services[:2])
    assert meaning.plan is not None
    assert meaning.plan.service is None


def test_two_named_services_are_a_question_back() -> None:
    meaning = read("compare the error rate of payment and checkout")
    assert (meaning.missing, meaning.options) == (("service",), ("payment", "checkout"))


@pytest.mark.parametrize(
    ("text", "name", "near"),
    [
        ("error rate of paimnt", "paimnt", ("payment",)),
        ("paimnt error rate", "paimnt", ("payment",)),
        ("error rate of the foo service", "foo", ()),
        ("error rate of foo", "foo", ()),
        ("latency for foo-bar over the last 24h", "foo-bar", ()),
        ("is foo healthy?", "foo", ()),
        ("how many errors does chekot have", "chekot", ("checkout",)),
        ("error rate for payout", "payout", ("payment",)),
    ],
)
def test_unknown_services_are_told_with_near_ones(text: str, name: str, near: tuple[str, ...]) -> None:
    meaning = read(text)
    assert meaning.unknown_services == (UnknownService(name=name, near=near),)
    assert [entity.value for entity in meaning.entities if entity.type == "service"] == [name]


def test_near_ones_are_best_first() -> None:
    found = read("latency of paimnts", catalogue=Catalogue(services=("payout", "payments-eu", "payment")))
    assert found.unknown_services[0].near[:2] == ("payment", "payments-eu")


@pytest.mark.parametrize("name", ["paymnt", "Pyament", "paymment", "the paymet api"])
def test_one_slip_of_the_pen_is_understood(name: str) -> None:
    assert plan(f"error rate of {name}").service == "payment"


@pytest.mark.parametrize(
    "text", ["error rate of /api/v1/payment", "latency of payment.py", "the payment runbook's p99"]
)
def test_paths_files_and_runbooks_are_no_services(text: str) -> None:
    assert [entity for entity in read(text).entities if entity.type == "service"] == []


@pytest.mark.parametrize(
    "catalogue",
    [Catalogue(), Catalogue(services=("payment",), degraded=(Degraded(part="prometheus", reason="away"),))],
)
def test_a_catalogue_that_cannot_know_takes_names_as_given(catalogue: Catalogue) -> None:
    assert plan("error rate of the checkout service", catalogue=catalogue).service == "checkout"


# --- what is missing ---------------------------------------------------------------------------------


def test_a_metric_without_a_service_asks_for_it() -> None:
    meaning = read("what is the error rate?")
    assert (meaning.missing, meaning.options) == (("service",), SERVICES)


def test_two_metrics_ask_which_first() -> None:
    meaning = read("error rate and p99 of payment")
    assert (meaning.missing, meaning.options) == (("metric",), ("error rate", "latency"))


def test_the_answer_to_a_question_back_fills_the_plan() -> None:
    asked = read("error rate yesterday?")
    assert asked.missing == ("service",)
    filled = plan("payment", WorkingMemory(plan=asked.plan))
    assert (filled.service, filled.metric) == ("payment", "error_rate")
    assert filled.range == TimeRange(
        start=datetime(2026, 11, 21, tzinfo=UTC), end=datetime(2026, 11, 22, tzinfo=UTC)
    )

    asked = read("checkout yesterday")
    assert asked.missing == ("metric",)
    filled = plan("the error rate", WorkingMemory(plan=asked.plan))
    assert (filled.service, filled.metric) == ("checkout", "error_rate")
    assert filled.range is not None
    assert filled.range.end == datetime(2026, 11, 22, tzinfo=UTC)


# --- follow-ups --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("and checkout?", {"service": "checkout"}),
        ("same for checkout", {"service": "checkout"}),
        ("no, I meant orders", {"service": "orders"}),
        ("checkout?", {"service": "checkout"}),
        ("and all services?", {"service": None}),
        ("and the p99?", {"metric": "latency", "percentile": 0.99}),
        ("and the latency?", {"metric": "latency", "percentile": 0.95}),
        ("what about the last hour", {"range": LAST_HOUR}),
        ("and the hour before that?", {"range": TimeRange(start=NOW - timedelta(hours=4), end=BEFORE.start)}),
        ("what is the latency?", {"metric": "latency", "percentile": 0.95, "range": LAST_HOUR}),
    ],
)
def test_follow_ups_go_on_with_the_plan(text: str, changes: dict[str, object]) -> None:
    assert plan(text, ASKED) == PLAN.model_copy(update=changes)


def test_what_the_conversation_supplied_is_marked() -> None:
    entities = {entity.type: entity for entity in read("and the p99?", ASKED).entities}
    assert (entities["service"].value, entities["service"].resolved_from) == ("payment", "history")
    assert (entities["percentile"].value, entities["percentile"].resolved_from) == ("0.99", None)
    assert entities["time_range"].range == BEFORE


def test_a_full_question_owes_nothing_to_the_one_before() -> None:
    assert plan("error rate of checkout", ASKED).range == LAST_HOUR
    assert plan("is checkout ok?", ASKED).intent == "service_health"


def test_a_service_that_went_away_is_told() -> None:
    gone = WorkingMemory(plan=PLAN.model_copy(update={"service": "ledger"}))
    assert read("and the p99?", gone).unknown_services == (UnknownService(name="ledger"),)


# --- anything ----------------------------------------------------------------------------------------

WORDS = """error rate p99 p95 latency rps payment checkout service the of for is are ok status all yes no
please and what about last hour 30 minutes yesterday since 14:00 between foo-bar paymnt slow
errors how many which help ? , order gateway 502 bad median why rollback investigate"""
TEXTS = st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join) | st.text(max_size=400)


@given(TEXTS, st.sampled_from([WorkingMemory(), ASKED, OFFERED]))
def test_no_text_breaks_it_and_spans_are_exact(text: str, memory: WorkingMemory) -> None:
    meaning = read(text, memory)
    for entity in meaning.entities:
        assert text[entity.start : entity.end] == entity.text
        assert (entity.resolved_from == "history") == (entity.text == "")
    named = [entity for entity in meaning.entities if entity.text]
    assert all(one.end <= other.start for one, other in pairwise(named))
    if meaning.plan is not None:
        assert meaning.plan.range is not None
        assert meaning.plan.range.end <= NOW
        assert meaning.plan.metric is not None or meaning.missing or meaning.intent.name == "service_health"


@pytest.mark.parametrize(
    "piece",
    [
        "a ",
        "yesterday from ",
        "between 2 and ",
        "9",
        "of foo ",
        "a-",
        "1h",
        "nov 3 ",
        "error ",
        "p",
        "\u0130",
        "yes ",
        " ",
    ],
)
def test_the_longest_text_takes_bounded_time(piece: str) -> None:
    text = (piece * 10_000)[:10_000]
    many = Catalogue(services=tuple(f"svc-{number}-thing" for number in range(300)))
    started = time.process_time()
    read(text, catalogue=many)
    assert time.process_time() - started < 5


def test_an_impossible_zone_or_instant_is_refused() -> None:
    with pytest.raises(InvalidInput):
        understand(Utterance(text="error rate", as_of=NOW, timezone="Nowhere/City"), CATALOGUE)
    with pytest.raises(InvalidInput):
        understand(Utterance(text="error rate", as_of=datetime(1, 1, 1, tzinfo=UTC)), CATALOGUE)
