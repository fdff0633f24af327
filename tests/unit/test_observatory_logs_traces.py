"""Plans as LogQL and TraceQL: what a person wrote stays in its quotes; the query says what the plan says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from actors.adapters.observatory import logql, traceql
from schemas.errors import InvalidInput
from schemas.plans import Comparison, Plan, Threshold, TimeRange
from tests.support import log_and_trace_grammar as grammar

END = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3_600
SLOW = Threshold(operator=">", value=0.5, text="500ms")
ANY_TEXT = st.text(min_size=1, max_size=60).filter(lambda text: text.strip()) | st.text(
    alphabet="\"\\{}[]()\n\r\t'`#,=~|.*+$^\0\x7f ab\ufeff\u202e", min_size=1, max_size=40
)


def last(seconds: float) -> TimeRange:
    return TimeRange(start=END - timedelta(seconds=seconds), end=END)


def logs(labels: dict[str, str] | None = None, **plan: Any) -> logql.Translation:
    return logql.translate(Plan.model_validate({"intent": "log_query", **plan}), last(HOUR), labels or {})


def traces(**plan: Any) -> traceql.Translation:
    return traceql.translate(Plan.model_validate({"intent": "trace_query", **plan}), last(HOUR))


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
@example('"} | json # ', '" |= "', "\\")
def test_no_text_leaves_its_quotes_in_logql(service: str, pattern: str, endpoint: str) -> None:
    found = grammar.logql(logs(service=service, pattern=pattern, pod=pattern, version=endpoint).query)
    assert found.streams == [("service", "=", service), ("pod", "=", pattern)]
    assert found.contains == [pattern]
    assert found.fields == [("version", "=", endpoint)]
    counted = grammar.logql(logs(service=service, pattern=pattern, aggregation="count").query)
    assert (counted.function, counted.seconds, counted.contains) == ("count_over_time", HOUR, [pattern])


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
@example('" && status = error || "', "}", "\\")
def test_no_text_leaves_its_quotes_in_traceql(service: str, pattern: str, pod: str) -> None:
    query = traces(service=service, pod=pod, trace_id=pattern, pattern=pattern).query
    found = {name: (operator, value) for name, operator, value in grammar.traceql(query).conditions}
    assert found["resource.service.name"] == ("=", service)
    assert found["resource.k8s.pod.name"] == ("=", pod)
    assert found["trace:id"] == ("=", pattern)
    operator, expression = found["name"]
    assert operator == "=~"
    assert literal(expression.removeprefix(".*").removesuffix(".*")) == pattern


def literal(expression: str) -> str:
    """Undoes the quoting of a regular expression; what is special must be quoted."""
    text, characters = "", iter(expression)
    for character in characters:
        assert character not in ".+*?()[]{}^$|"
        text += next(characters) if character == "\\" else character
    return text


@pytest.mark.parametrize(
    ("plan", "query"),
    [
        ({"service": "payment"}, '{service="payment"}'),
        ({"service": "payment", "log_level": "error"}, '{service="payment"} | level=~"(?i)(error|err)"'),
        ({"pattern": "time-out"}, '{service=~".+"} |= "time-out"'),
        ({"service": "payment", "pattern": "x", "trace_id": "ab12"}, '{service="payment"} |= "x" |= "ab12"'),
        ({"service": "payment", "environment": "production", "namespace": "shop"},
         '{service="payment", namespace="shop", environment=~"production|prod|prd|live"}'),
        ({"service": "payment", "status_code": "5xx", "endpoint": "POST /pay"},
         '{service="payment"} | json | status=~"5.." | route="/pay" | method="POST"'),
        ({"service": "payment", "aggregation": "count"}, 'sum(count_over_time({service="payment"} [3600s]))'),
        ({"service": "payment", "per_seconds": 60}, '60 * sum(rate({service="payment"} [3600s]))'),
        ({"group_by": ("service",), "log_level": "warn", "top": 3},
         'topk(3, sum by (service) (count_over_time({service=~".+"} | level=~"(?i)(warn|warning)" [3600s])))'),
        ({"service": "payment", "top": 5},
         'topk(5, sum by (message) (count_over_time({service="payment"} | json [3600s])))'),
        ({"service": "payment", "course": True}, 'sum(count_over_time({service="payment"} [60s]))'),
    ],
)  # fmt: skip
def test_logql_as_it_is_written(plan: dict[str, Any], query: str) -> None:
    found = logs(**plan)
    assert found.query == query
    grammar.logql(found.query)
    assert (found.language, found.range) == ("logql", last(HOUR))
    assert (found.step_seconds is not None) == bool(plan.get("course"))


def test_a_threshold_on_lines_and_another_window() -> None:
    above = Threshold(operator=">", value=2.0, text="120 per minute")
    other = Comparison(kind="time", range=last(2 * HOUR))
    found = logs(service="payment", per_seconds=60, threshold=above, comparison=other)
    first, second = grammar.logql(found.query), grammar.logql(found.further[0].query)
    assert (first.factor, first.comparison, first.seconds) == (60.0, (">", 120.0), HOUR)
    assert (second.seconds, found.further[0].range) == (2 * HOUR, last(2 * HOUR))


def test_logs_under_other_labels() -> None:
    labels = {"service": "service_name", "level": "detected_level"}
    assert logs(labels, service="payment", log_level="info").query == (
        '{service_name="payment"} | detected_level=~"(?i)(info|information)"'
    )
    with pytest.raises(InvalidInput, match="not the name of a label"):
        logs({"service": 'x="y"} #'}, service="payment")


@pytest.mark.parametrize(
    ("plan", "query"),
    [
        ({"service": "payment"}, '{ resource.service.name = "payment" }'),
        ({"service": "payment", "threshold": SLOW, "metric": "error_rate"},
         '{ resource.service.name = "payment" && duration > 500ms && status = error }'),
        ({"service": "payment", "status_code": "504"},
         '{ resource.service.name = "payment" && span.http.response.status_code = 504 }'),
        ({"status_code": "5xx"},
         "{ span.http.response.status_code >= 500 && span.http.response.status_code < 600 }"),
        ({"trace_id": "4bf92f3577b34da6"}, '{ trace:id = "4bf92f3577b34da6" }'),
        ({"endpoint": "GET /orders/{id}", "environment": "test"},
         '{ resource.deployment.environment.name =~ "test|testing|tst|qa" && '
         'span.http.request.method = "GET" && span.http.route = "/orders/{id}" }'),
        ({"service": "payment", "percentile": 0.99},
         '{ resource.service.name = "payment" } | quantile_over_time(duration, 0.99)'),
        ({"group_by": ("service",), "log_level": "error"},
         "{ status = error } | count_over_time() by (resource.service.name)"),
        ({"service": "payment", "course": True}, '{ resource.service.name = "payment" } | rate()'),
        ({}, "{ }"),
    ],
)  # fmt: skip
def test_traceql_as_it_is_written(plan: dict[str, Any], query: str) -> None:
    found = traces(**plan)
    assert found.query == query
    grammar.traceql(found.query)
    assert found.language == "traceql"


@pytest.mark.parametrize(("seconds", "text"), [(2, "2s"), (0.5, "500ms"), (1.5, "1500ms"), (0.00025, "250us")])
def test_durations_of_spans(seconds: float, text: str) -> None:
    assert traceql.duration(seconds) == text


@pytest.mark.parametrize("plan", [{"status_code": "bad"}, {"status_code": "٤٠٤"}, {"group_by": ("severity",)}])
def test_what_spans_do_not_have(plan: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        traces(**plan)


def test_more_than_thirty_days_are_refused() -> None:
    month = TimeRange(start=END - timedelta(days=31), end=END)
    for translate in (lambda plan: logql.translate(plan, month, {}), lambda plan: traceql.translate(plan, month)):
        with pytest.raises(InvalidInput, match="30 days"):
            translate(Plan(intent="log_query", service="payment"))


def test_what_is_computed_in_words() -> None:
    assert logs(service="payment", log_level="error", top=3).explanation == (
        "the number of lines of service payment, log level error, by pattern, the 3 most frequent"
    )
    assert traces(service="payment", top=5).explanation == (
        'the traces with a span for which resource.service.name = "payment", of which the 5 slowest are shown'
    )
