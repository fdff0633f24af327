"""Logs and traces tell of the very requests that the counters count."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.embedded.shop import SERVICES, truth
from actors.embedded.shop.actions import Kind, Request
from actors.embedded.shop.identity import RequestKey
from actors.embedded.shop.logs import logs
from actors.embedded.shop.reading import LARGEST_LIMIT, InvalidReading, Selection, selection
from actors.embedded.shop.scenario import DAY, SECOND
from actors.embedded.shop.shop import Shop
from actors.embedded.shop.traces import trace, traces

MINUTE = 60 * SECOND
NIGHT = int(datetime(2026, 3, 10, 23, tzinfo=UTC).timestamp()) * SECOND
BAD_RELEASE = NIGHT // DAY * DAY + 3 * 60 * MINUTE
SLOW_DATABASE = NIGHT // DAY * DAY + 15 * 60 * MINUTE + 10 * MINUTE


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.open(Path(tmp_path_factory.mktemp("shop")), NIGHT)


def spans_of(found: dict[str, object]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", found["spans"])


def test_every_request_is_logged_once_newest_first(shop: Shop) -> None:
    start = BAD_RELEASE - 10 * SECOND  # across the boundary of a chunk
    asked = Selection(start, start + 20 * SECOND, LARGEST_LIMIT, "payment")
    found = logs(shop, asked)
    assert len(found) == truth.count(shop, "payment", asked.start, asked.end)
    times = [cast("int", record["time_unix_us"]) for record in found]
    assert times == sorted(times, reverse=True)
    assert asked.start < times[-1] <= times[0] <= asked.end
    statuses = Counter(record["status"] for record in found)
    assert all(
        count == truth.count(shop, "payment", asked.start, asked.end, cast("int", status))
        for status, count in statuses.items()
    )


def test_the_limit_keeps_the_newest(shop: Shop) -> None:
    whole = logs(shop, Selection(BAD_RELEASE, BAD_RELEASE + 10 * SECOND, LARGEST_LIMIT))
    assert logs(shop, Selection(BAD_RELEASE, BAD_RELEASE + 10 * SECOND, 7)) == whole[:7]


def test_all_failures_are_errors_and_each_has_its_trace(shop: Shop) -> None:
    asked = Selection(BAD_RELEASE, BAD_RELEASE + MINUTE, LARGEST_LIMIT, "payment", level="error")
    found = logs(shop, asked)
    failed = sum(truth.count(shop, "payment", asked.start, asked.end, status) for status in (502, 503, 504))
    assert len(found) == failed > 30
    for record in found[:5]:
        whole = trace(shop, str(record["trace_id"]), NIGHT)
        assert whole is not None
        span = next(span for span in spans_of(whole) if span["span_id"] == record["span_id"])
        assert span["service"] == "payment"
        assert span["status"] == "error"
        assert span["attributes"]["http.response.status_code"] == record["status"]
        assert span["duration_us"] / 1000 == record["duration_ms"]
        assert span["attributes"]["service.version"] == record["version"] == "2.5.0"


def test_a_failure_is_passed_on_with_its_cause(shop: Shop) -> None:
    asked = Selection(BAD_RELEASE, BAD_RELEASE + MINUTE, LARGEST_LIMIT, "gateway", level="error")
    messages = {str(record["message"]) for record in logs(shop, asked)}
    assert any(message.startswith("call to checkout failed") for message in messages)


def test_slow_queries_are_warned_of(shop: Shop) -> None:
    asked = Selection(SLOW_DATABASE, SLOW_DATABASE + 5 * SECOND, 100, "inventory", level="warning")
    assert any("slow query" in str(record["message"]) for record in logs(shop, asked))
    calm = Selection(SLOW_DATABASE - 40 * MINUTE, SLOW_DATABASE - 35 * MINUTE, 100, "inventory", level="warning")
    assert not any("slow query" in str(record["message"]) for record in logs(shop, calm))


def test_deploys_and_kills_are_logged(shop: Shop) -> None:
    start = BAD_RELEASE - 11 * MINUTE
    found = logs(shop, Selection(start, start + MINUTE + 1, LARGEST_LIMIT, "payment"))
    assert [record["message"] for record in found if "event" in record] == ["deployed version 2.5.0"]
    kill = shop.line("recommendation", NIGHT).between(BAD_RELEASE, NIGHT)[0].at
    found = logs(shop, Selection(kill - SECOND, kill, LARGEST_LIMIT, "recommendation", level="error"))
    assert [record["event"] for record in found if "event" in record] == ["oom_kill"]


def test_a_trace_is_a_tree_within_its_parents_times(shop: Shop) -> None:
    found = traces(shop, Selection(SLOW_DATABASE, SLOW_DATABASE + 10 * SECOND, 200))
    assert len(found) > 100
    for whole in found:
        spans = {span["span_id"]: span for span in spans_of(whole)}
        assert len(spans) == len(spans_of(whole))
        roots = [span for span in spans.values() if span["parent_span_id"] is None]
        assert [root["service"] for root in roots] == ["gateway"]
        for span in spans.values():
            parent = spans.get(span["parent_span_id"])
            if parent is not None:
                assert span["start_unix_us"] >= parent["start_unix_us"]
                end, parent_end = (one["start_unix_us"] + one["duration_us"] for one in (span, parent))
                assert end <= parent_end


def test_checkout_goes_through_all_that_it_calls(shop: Shop) -> None:
    found = traces(shop, Selection(NIGHT - MINUTE, NIGHT, 100, "checkout"))
    whole = next(each for each in found if each["status"] == 200)
    calls = [(span["service"], span["kind"]) for span in spans_of(whole)]
    assert [service for service, kind in calls if kind == "server"] == [
        "gateway",
        "checkout",
        "inventory",
        "payment",
        "orders",
        "inventory",
    ]
    assert calls.count(("inventory", "client")) == 2, "its database queries"


def test_the_model_call_tells_tokens_and_cost(shop: Shop) -> None:
    found = traces(shop, Selection(NIGHT - MINUTE, NIGHT, 20, "recommendation"))
    calls = [span for whole in found for span in spans_of(whole) if span["operation"].startswith("chat ")]
    assert len(calls) >= 15
    for call in calls:
        attributes = call["attributes"]
        assert attributes["gen_ai.operation.name"] == "chat"
        tokens = attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]
        expected = (tokens[0] * 0.15 + tokens[1] * 0.60) / 1e6
        assert attributes["llm.cost.total_usd"] == pytest.approx(expected)


def test_traces_by_failure_and_duration(shop: Shop) -> None:
    window = (BAD_RELEASE, BAD_RELEASE + MINUTE)
    failed = traces(shop, Selection(*window, LARGEST_LIMIT, "payment", failed=True))
    assert len(failed) > 30
    assert all(whole["status"] in {502, 504} for whole in failed)
    slow = traces(shop, Selection(*window, LARGEST_LIMIT, least_duration=SECOND))
    assert slow
    assert all(cast("float", whole["duration_ms"]) >= 1000 for whole in slow)


def test_what_is_not_over_is_not_told(shop: Shop) -> None:
    whole = traces(shop, Selection(NIGHT - MINUTE, NIGHT, 1))[0]
    start, trace_id = cast("int", whole["start_unix_us"]), str(whole["trace_id"])
    assert trace(shop, trace_id, start) is None
    assert trace(shop, trace_id, NIGHT) == whole


@pytest.mark.parametrize("trace_id", ["", "xyz", "0" * 32, "f" * 32, "1" * 31, "-" + "1" * 31])
def test_an_unknown_trace_is_none(shop: Shop, trace_id: str) -> None:
    assert trace(shop, trace_id, NIGHT) is None


@given(st.integers(0, 2**36 - 1), st.integers(0, 15), st.integers(0, 2**24 - 1))
def test_a_trace_id_leads_back_to_its_request(chunk: int, route: int, request: int) -> None:
    key = RequestKey(chunk, route, request)
    assert len(key.trace_id) == 32
    assert RequestKey.of_trace(key.trace_id) == key


def test_an_action_shows_in_the_logs(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, NIGHT)
    time = shop.origin + 5 * MINUTE
    shop.act(Request(Kind.SCALE, "orders", replicas=7), time)
    found = logs(shop, Selection(time - SECOND, time + SECOND, LARGEST_LIMIT, "orders"))
    events = [record for record in found if "event" in record]
    assert [(record["message"], record["by"]) for record in events] == [("scaled to 7 replicas", "user")]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"service": "paiment"}, "no service 'paiment'"),
        ({"limit": "0"}, "limit must be"),
        ({"limit": "5001"}, "limit must be"),
        ({"limit": "ten"}, "limit must be"),
        ({"limit": "²"}, "limit must be"),
        ({"start": "yesterday"}, "start must be a number"),
        ({"end": "nan"}, "end must be a number"),
        ({"end": "-5"}, "end must be a time"),
        ({"level": "fatal"}, "no level 'fatal'"),
        ({"status": "500"}, "status can only be 'error'"),
        ({"min_duration_ms": "inf"}, "min_duration_ms must be a number"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(shop: Shop, query: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidReading, match=says):
        selection(query, shop, NIGHT)


def test_the_future_is_not_told(shop: Shop) -> None:
    assert selection({"end": str(NIGHT / SECOND + 3600)}, shop, NIGHT).end == NIGHT
    assert selection({"start": "0"}, shop, NIGHT).start == shop.floor
    assert logs(shop, selection({"start": str(NIGHT / SECOND + 60)}, shop, NIGHT)) == []
    assert set(SERVICES) == set(shop.scenario.own_services)
