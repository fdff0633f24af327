"""Queries from typed parts: nothing that a person wrote leaves its quotes; nothing unbounded runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import promql_parser
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.adapters.observatory.promql import (
    MOST_NESTING,
    Matcher,
    Query,
    Selector,
    check_points,
    label_name,
    metric_name,
    one_of,
    quoted,
    window_seconds,
)
from actors.adapters.observatory.questions import Question, Questions
from actors.adapters.observatory.vocabulary import Named, Vocabulary
from schemas.errors import InvalidInput
from schemas.plans import TimeRange

END = datetime(2026, 3, 1, tzinfo=UTC)
VOCABULARY = Vocabulary(
    requests=Named("http_requests_total", "service"),
    duration_buckets=Named("http_request_duration_seconds_bucket", "service"),
    up=Named("up", "service"),
    status_label="status",
    failed=Matcher("status", "=~", "5.."),
)
ANY_TEXT = st.text(max_size=60) | st.text(alphabet="\"\\{}[]()\n\r\t'`#,=~|.*+$^\0\x7f ab", max_size=40)


def over(seconds: float) -> TimeRange:
    return TimeRange(start=END - timedelta(seconds=seconds), end=END)


def matchers_in(text: str) -> list[tuple[str, str, str]]:
    """Every matcher of a query: label, operator, value as the parser reads them."""
    found: list[tuple[str, str, str]] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            found.extend((one.name, str(one.op), one.value) for one in node.matchers.matchers)

    promql_parser.walk(promql_parser.parse(text), visit)
    return found


def every_question(service: str) -> list[Question]:
    to = Questions(VOCABULARY, 3_600, (service,))
    return [
        to.error_ratio(),
        to.total_requests(),
        to.failures(),
        to.latency(0.95),
        to.request_rate(),
        to.instances(),
        to.instances_up(),
    ]


@given(ANY_TEXT)
@example('"} or vector(1) # ')
@example("\\")
@example('a"\n{b}')
def test_a_service_s_name_stays_one_matcher_s_value(service: str) -> None:
    for question, plain in zip(every_question(service), every_question("x"), strict=True):
        expected = [
            (label, op, service if value == "x" else value) for label, op, value in matchers_in(plain.query.text)
        ]
        assert expected
        assert matchers_in(question.query.text) == expected


@given(st.lists(ANY_TEXT, min_size=2, max_size=4, unique=True))
def test_several_names_are_alternatives_taken_literally(services: list[str]) -> None:
    ((label, op, pattern),) = matchers_in(str(Selector("up", (one_of("service", services),))))
    assert (label, op) == ("service", "MatchOp.Re")
    # The pattern is RE2; undoing its own quoting gives the names back.
    alternatives: list[str] = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            alternatives[-1] += next(characters)
        elif character == "|":
            alternatives.append("")
        else:
            assert character not in ".+*?()[]{}^$"
            alternatives[-1] += character
    assert alternatives == services


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a"b', '"a\\"b"'),
        ("a\\b", '"a\\\\b"'),
        ("a\nb", '"a\\nb"'),
        ("{}", '"{}"'),
        ("\0", '"\\u0000"'),
        ("\ufffd", '"\\ufffd"'),  # as itself Prometheus takes it for broken UTF-8
        ("é", '"é"'),
    ],
)
def test_quoting(value: str, text: str) -> None:
    assert quoted(value) == text


def test_half_a_character_cannot_be_quoted() -> None:
    with pytest.raises(InvalidInput, match="Unicode"):
        quoted("\ud800")


@pytest.mark.parametrize("name", ["", "a b", "1a", 'a"', "a{b}", "a\n"])
def test_names_must_look_like_names(name: str) -> None:
    with pytest.raises(InvalidInput):
        metric_name(name)
    with pytest.raises(InvalidInput):
        label_name(name)


def test_the_queries_as_they_are_written() -> None:
    to = Questions(VOCABULARY, 3_600, ("payment",))
    assert to.failures().query.text == (
        'sum by (status) (increase(http_requests_total{service="payment",status=~"5.."}[3600s]))'
    )
    assert to.latency(0.95).query.text == (
        "histogram_quantile(0.95, sum by (le) "
        '(increase(http_request_duration_seconds_bucket{service="payment"}[3600s])))'
    )
    assert to.request_rate().query.text == 'sum(rate(http_requests_total{service="payment"}[3600s]))'
    everything = Questions(VOCABULARY, 60, each=True)
    assert everything.instances_up().query.text == "sum by (service) (up)"
    assert everything.failures().by == ("service", "status")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rate(x[31d])", "30 days"),
        ("max_over_time(rate(x[16d])[16d:1h])", "30 days"),
        ("max_over_time(x[1d:1s])", "11,000 points"),
        ("max_over_time(max_over_time(x[200m:1m])[200m:1m])", "11,000 points"),
        ("sum(", "not PromQL: unclosed"),
        ("nosuchfunction(x)", "unknown function"),
        ("", "not PromQL"),
        ("x" * 20_001, "20,000 characters"),
    ],
)
def test_what_may_not_run(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        Query(text)
    assert refused.value.violations[0].pointer == "/query"


@pytest.mark.parametrize("text", ["(" * 5_000 + "1" + ")" * 5_000, "1" + "+1" * 5_000, "1" + " oR x" * 3_000])
def test_deep_nesting_is_refused_before_it_is_parsed(text: str) -> None:
    """Parsed, the second of these ends the process: the parser's recursion has no limit of its own."""
    with pytest.raises(InvalidInput, match=f"more than {MOST_NESTING}"):
        Query(text)


def test_brackets_in_texts_and_comments_do_not_count() -> None:
    Query('up{service=~"' + "(a|b)+" * 200 + '"} # ' + "(" * 500)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("up", 0),
        ("rate(x[5m])", 300),
        ("rate(x[30d])", 30 * 86_400),
        ("max_over_time(rate(x[5m])[1h:1m])", 3_900),
    ],
)
def test_how_far_a_query_looks_back(text: str, seconds: float) -> None:
    assert Query(text).lookback_seconds == seconds


def test_windows_are_whole_seconds() -> None:
    assert window_seconds(over(3_600)) == 3_600
    assert window_seconds(over(0.2)) == 1
    assert window_seconds(over(30 * 86_400)) == 2_592_000
    with pytest.raises(InvalidInput, match="30 days"):
        window_seconds(over(30 * 86_400 + 1))


def test_points_are_counted_with_both_ends() -> None:
    check_points(over(10_999), 1.0)
    with pytest.raises(InvalidInput, match="11,001 points"):
        check_points(over(11_000), 1.0)
