"""What sentences name: every kind of entity, names of services that no catalogue has, and any text at all."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.nlp.entities import Found, entities, find
from actors.nlp.times import Window, calendar_for
from schemas.adapters import Catalogue
from schemas.plans import Threshold
from tests.support.sentences import Sentence, sentences, timed

NOW = datetime(2026, 11, 18, 14, 25, tzinfo=UTC)
CALENDAR = calendar_for(NOW, "UTC")
CATALOGUE = Catalogue(services=("checkout", "gateway", "inventory", "orders", "payment", "recommendation"))
SENTENCES = tuple(sentences("entities.txt"))


def read(text: str, catalogue: Catalogue = CATALOGUE) -> Found:
    return find(text, CALENDAR, catalogue)


def named(text: str, catalogue: Catalogue = CATALOGUE) -> Counter[str]:
    return Counter(f"{entity.type}={entity.value}" for entity in entities(text, read(text, catalogue)))


def services(text: str, *catalogue: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(service.value, service.names) for service in read(text, Catalogue(services=catalogue)).services]


# --- sentences -----------------------------------------------------------------------------------------


def test_there_are_sentences_of_every_kind() -> None:
    assert len(SENTENCES) > 900
    kinds = Counter(entity.partition("=")[0] for sentence in SENTENCES for entity in sentence.entities)
    assert len(kinds) == 24, kinds
    assert min(kinds.values()) >= 3, kinds


@pytest.mark.parametrize("block", [SENTENCES[at : at + 100] for at in range(0, len(SENTENCES), 100)])
def test_what_sentences_name(block: tuple[Sentence, ...]) -> None:
    wrong = {
        sentence.text: (sorted((want - got).elements()), sorted((got - want).elements()))
        for sentence in block
        if (want := Counter(sentence.entities)) != (got := named(sentence.text))
    }
    assert wrong == {}


def test_times_in_whole_sentences() -> None:
    wrong: dict[str, object] = {}
    for example in timed("times.txt"):
        found = find(example.text, calendar_for(example.now, example.zone), CATALOGUE)
        got = {
            (entity.type, entity.value, entity.range.start, entity.range.end)
            for entity in entities(example.text, found)
            if entity.range is not None
        }
        if got != set(example.times):
            wrong[example.text] = got
    assert wrong == {}


# --- services ------------------------------------------------------------------------------------------


def test_a_service_says_which_of_the_catalogue_fit_it() -> None:
    assert services("latency of the order api", "orders", "order-service") == [
        ("order", ("orders", "order-service"))
    ]
    assert services("is billing ok", "billing-service", "search") == [("billing", ("billing-service",))]
    assert services("is zephyr ok", "billing") == [("zephyr", ())]


def test_names_of_the_catalogue_are_found_where_no_other_would_be() -> None:
    assert services("tickets", "tickets") == [("tickets", ("tickets",))]
    assert services("users are complaining", "users") == [("users", ("users",))]
    assert services("users are complaining") == []


@pytest.mark.parametrize(
    "text",
    [
        "what is the meaning of life",
        "the weather in paris is nice",
        "is everything ok",
        "show recent errors",
        "why are users complaining",
        "high latency since noon",
        "which service is the slowest",
        "are any services down",
        "search the logs for timeout",
        "the third-party vendor is down",
        "errors in /api/v1/billing and billing.py",
        "run the billing runbook",
        "how do i rotate certificates",
    ],
)
def test_ordinary_words_are_no_services(text: str) -> None:
    assert services(text, "checkout") == []


# --- numbers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "operator", "value", "written"),
    [
        ("error rate above 2 %", ">", 0.02, "2%"),
        ("latency over 500ms", ">", 0.5, "500ms"),
        ("p95 slower than half a second", ">", 0.5, "half a second"),
        ("faster than 200 ms", "<", 0.2, "200ms"),
        ("at least 1.5k rps", ">=", 1500, "1.5k rps"),
        ("more than 600 requests per minute", ">", 10, "600 requests per minute"),
        ("at most 3 GB", "<=", 3e9, "3GB"),
        ("memory > 2GiB", ">", 2 * 2**30, "2GiB"),
        ("cost above $1,200", ">", 1200, "$1,200"),
        ("queue depth hits 10k", ">=", 10_000, "10k"),
        ("fewer than a dozen connections", "<", 12, "a dozen"),
        ("latency of 500ms or more", ">=", 0.5, "500ms"),
        ("cpu ≥ 80%", ">=", 0.8, "80%"),
        ("availability below 99.9 percent", "<", 0.999, "99.9 percent"),
        ("drops below two thousand", "<", 2000, "two thousand"),
        ("p99 greater than 1,5 s", ">", 1.5, "1,5s"),
    ],
)
def test_thresholds_in_base_units(text: str, operator: str, value: float, written: str) -> None:
    (found,) = read(text).thresholds
    assert found.threshold.operator == operator
    assert found.threshold.value == pytest.approx(value)
    assert (found.threshold.text, found.value) == (written, written)
    assert found.leads <= found.start


def test_a_threshold_knows_where_its_words_begin() -> None:
    text = "open an incident if it is above 2%"
    (found,) = read(text).thresholds
    assert text[found.leads : found.end] == "is above 2%"
    assert found.explicit
    assert found.threshold == Threshold(operator=">", value=0.02, text="2%")
    assert not read("the 500ms mark").thresholds[0].explicit


@pytest.mark.parametrize(
    "text",
    [
        "p95 of checkout",
        "port 8080",
        "HTTP 503 on gateway",
        "version 2.4.1",
        "last 30 minutes",
        "on Nov 3rd",
        "top 5",
    ],
)
def test_other_numbers_are_no_thresholds(text: str) -> None:
    assert read(text).thresholds == ()


@pytest.mark.parametrize(
    ("text", "value", "amount", "of"),
    [
        ("scale cart to two replicas", "2", 2, "replica"),
        ("scale cart by 3", "+3", 3, ""),
        ("scale cart down by 3", "-3", -3, ""),
        ("add a replica to cart", "+1", 1, "replica"),
        ("remove one pod from cart", "-1", -1, "pod"),
        ("double the replicas of cart", "2x", 2, ""),
        ("top 5 services", "5", 5, "service"),
        ("last 3 deploys", "3", 3, "deploy"),
        ("the 1,000 slowest traces", "1000", 1000, "trace"),
    ],
)
def test_quantities(text: str, value: str, amount: float, of: str) -> None:
    (found,) = read(text).quantities
    assert (found.value, found.amount, found.of) == (value, amount, of)
    assert found.relative == value.startswith(("+", "-"))
    assert found.factor == value.endswith("x")


# --- what is stated and what is only meant ---------------------------------------------------------------


def test_hints_are_findings_and_no_entities() -> None:
    text = "why is checkout so slow"
    (metric,) = read(text).metrics
    assert (metric.value, metric.stated, metric.strong) == ("latency", False, False)
    assert named(text) == Counter({"service=checkout": 1})
    (count,) = read("how many errors does checkout have").aggregations
    assert (count.value, count.stated) == ("count", False)


def test_a_comparison_of_weeks_says_which_window_it_is_compared_with() -> None:
    (found,) = read("traffic week over week").comparisons
    assert found.first == Window(NOW - timedelta(days=7), NOW)
    assert found.window == Window(NOW - timedelta(days=14), NOW - timedelta(days=7))
    (found,) = read("traffic in the last hour week over week").comparisons
    assert found.first is None


def test_what_lies_ahead_stands_apart() -> None:
    found = read("error rate today and a forecast for next week")
    assert [part.window.end for part in found.times] == [NOW]
    assert [part.window.start for part in found.horizons] == [datetime(2026, 11, 23, tzinfo=UTC)]


# --- any text --------------------------------------------------------------------------------------------

PIECES = """error rate p99 latency payment checkout the of for is last hour 30 minutes since 14:00 between
foo-bar slow above 2% > 500ms scale to 5 replicas deploy v1.2.3 staging INC-12 /api/v1/{id}
tests/a.py 'x y' "q /a+/ week over top vs compared yesterday runbook run me assign @bob 10.0.0.1
web-01 trace 5xx 503 sev1 logs containing $5 1,000 -1 +3 and , . ? ( ) \u202e \u05d0 🎉 \x00 \x07 İ ß
… » 'tis o'clock Bob's test fn() a::b ::: --- /// {}"""
TEXTS = st.lists(st.sampled_from(PIECES.split()), max_size=16).map(" ".join) | st.text(max_size=300)


@given(TEXTS)
def test_spans_are_exact_and_apart(text: str) -> None:
    taken = [False] * len(text)
    for entity in entities(text, read(text)):
        assert text[entity.start : entity.end] == entity.text
        assert entity.text.strip()
        assert entity.value
        assert not any(taken[entity.start : entity.end]), (text, entity)
        taken[entity.start : entity.end] = [True] * (entity.end - entity.start)


BOMBS = (
    "a |1 |1,|the |last 1 |between 2 and |yesterday from |3 days ago |/a|(a+)+$|'a|http://a|a.b.|a-b-|A|"
    "+1 |#1 |trace |containing a b c d |runbook |run a-b |service |payment |checkout/|test Ab |x() |🎉|"
    "\u202e|\x00|İ|5xx |above 5 |5% |1.2.3 |half past |twenty |and a half |in new york time |"
    "vs last week |same time |error-rate-|1-|::|...|$5 |scale to 5 |assign to |'s |high and |{a}|if a |"
    "not |aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)


@pytest.mark.parametrize("length", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_no_text_takes_long(length: int) -> None:
    """Processor time, at most 20 times that of ordinary sentences of the same length."""
    ordinary = " ".join(sentence.text for sentence in SENTENCES)[:length]
    normal = min(_seconds(ordinary) for _ in range(3))
    texts = {bomb: (bomb * length)[:length] for bomb in BOMBS.split("|")}
    slow = {bomb: took / normal for bomb, text in texts.items() if (took := _seconds(text)) > 20 * normal}
    assert slow == {}


def test_the_longest_text_takes_bounded_time() -> None:
    """A mixture of everything at the greatest length: time grows with the length, not with its square."""
    pieces = BOMBS.replace("|", " ")
    short, long = (_seconds((pieces * 100)[:length]) for length in (2_000, 10_000))
    assert long < 15 * short


def _seconds(text: str) -> float:
    started = time.process_time()
    entities(text, read(text))
    return time.process_time() - started
