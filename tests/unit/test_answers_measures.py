"""Measured plans in words: the figure first, with its unit and its window; no data is never zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actors.conversation.answers import measured_answer
from actors.conversation.answers.units import apart, told, told_per_seconds
from schemas.measures import (
    Burn,
    Compared,
    Course,
    Detail,
    Figure,
    Measured,
    MeasuredBudget,
    MeasuredComparison,
    MeasuredForecast,
    MeasuredRows,
    MeasuredSeries,
    MeasuredValue,
    NotMeasured,
    Row,
    Side,
)
from schemas.plans import Plan, Threshold, TimeRange

END = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = 3_600, 86_400
ABOVE = Threshold(operator=">", value=0.02, text="2 %")


def last(seconds: float) -> TimeRange:
    return TimeRange(start=END - timedelta(seconds=seconds), end=END)


def at(minutes: int) -> datetime:
    """So many minutes before the end."""
    return END - timedelta(minutes=minutes)


def said(
    figure: Figure, words: str = "error rate", unit: str | None = "ratio", over: float = HOUR, **plan: Any
) -> str:
    asked = Plan.model_validate({"intent": "metric_query", "metric": "error_rate", "service": "payment", **plan})
    measured = Measured(
        name="figure", words=words, unit=unit, range=last(over), threshold=asked.threshold, figure=figure
    )
    return measured_answer(measured, asked, END, "UTC")


def rows(
    *pairs: tuple[str, float | None], by: str = "service", measured: int | None = None, **more: Any
) -> Figure:
    found = tuple(Row(labels={by: name}, value=value) for name, value in pairs)
    return MeasuredRows(by=(by,), rows=found, measured=len(pairs) if measured is None else measured, **more)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0023, "ratio", "0.23 %"),
        (-0.9519, "ratio", "-95.19 %"),
        (0.2119, "seconds", "212 ms"),
        (0, "bytes", "0 bytes"),
        (325_541_395, "bytes", "310 MiB"),
        (40 * 2**30, "bytes", "40 GiB"),
        (1_536, "bytes_per_second", "1.5 KiB/s"),
        (0.0877151, "cores", "0.0877 cores"),
        (1, "cores", "1 core"),
        (8_121_717, "tokens", "8,121,717 tokens"),
        (135_361.95, "tokens_per_minute", "135,362 tokens/min"),
        (1.53656775, "usd", "1.54 USD"),
        (0.00042682, "usd_per_second", "0.000427 USD/s"),
        (649.4333, "requests_per_minute", "649 requests/min"),
        (10.8239, "requests_per_second", "10.8 requests/s"),
        (3, "requests_per_day", "3 requests/day"),
        (2, "requests_per_90_seconds", "2 requests/90 seconds"),
        (1.0007, "restarts", "1 restart"),
        (6.5339, "times", "6.53 times"),
        (1, "times", "1 times"),
        (720, "waiting", "720 waiting"),
        (21.25, "count", "21.2"),
        (3.5, None, "3.5"),
    ],
)
def test_values_with_their_units(value: float, unit: str | None, text: str) -> None:
    assert told(value, unit) == text


def test_how_far_two_values_are_apart() -> None:
    assert apart(0.0327, 0.0172, "ratio") == "1.55 percentage points"
    assert apart(0.0479, 0.2119, "seconds") == "164 ms"


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [("requests_per_minute", 60), ("usd_per_day", 86_400), ("requests_per_second", 1), ("ratio", 1), (None, 1)],
)
def test_conditions_are_per_second_whatever_is_told(unit: str | None, seconds: float) -> None:
    assert told_per_seconds(unit) == seconds


def test_a_value_and_what_it_is_made_of() -> None:
    details = (
        Detail(name="total_requests", value=38_966, unit="requests"),
        Detail(name="failed_requests", value=1_175, unit="requests", labels={"status_code": "502"}),
        Detail(name="failed_requests", value=98, unit="requests", labels={"status_code": "504"}),
    )
    figure = MeasuredValue(value=0.03267, target=0.005, within_target=False, details=details)
    assert said(figure, environment="production") == (
        "The error rate of the payment service in production is 3.27 % over the last hour. "
        "Breakdown: total requests "
        "38,966; failed requests 1,273; primary errors: 502 Bad Gateway 1,175 (92 %), 504 Gateway "
        "Timeout 98 (8 %). "
        "This breaches the SLO target of < 0.5 %."
    )


@pytest.mark.parametrize(
    ("met", "text"),
    [
        (True, "Yes: the error rate of the payment service is 3.27 % over the last hour, above 2 %."),
        (False, "No: the error rate of the payment service is 3.27 % over the last hour, not above 2 %."),
    ],
)
def test_a_threshold_is_answered_first(met: bool, text: str) -> None:
    assert said(MeasuredValue(value=0.03267, met=met), threshold=ABOVE) == text


@pytest.mark.parametrize(
    ("figure", "words", "unit", "plan", "text"),
    [
        (0.606, "memory use", "ratio", {"metric": "memory"},
         "The memory use of the payment service is 60.6 % of the limit over the last hour."),
        (0.25, "CPU use", "ratio", {"metric": "cpu", "service": None, "host": "web-1"},
         "The CPU use of host web-1 is 25 % over the last hour."),
        (3, "restarts", "restarts", {"metric": "restarts", "pod": "payment-1"},
         "The restarts of the payment service on pod payment-1 are 3 over the last hour."),
        (3.6, "connections in use", "connections", {"metric": "connections"},
         "The connections in use of the payment service are 3.6 over the last hour."),
        (38_966, "total requests", "requests", {"metric": "request_rate", "service": None},
         "The total requests of all services together are 38,966 over the last hour."),
        (1.5366, "cost", "usd", {"metric": "cost", "service": None}, "The cost is 1.54 USD over the last hour."),
        (21.2, "room_temperature", "count", {"metric": "room_temperature", "service": None},
         "The room_temperature is 21.2 over the last hour."),
        (0.0, "error rate", "ratio", {"status_code": "502", "version": "2.5.0", "endpoint": "/pay"},
         "The error rate with status 502 of the payment service version 2.5.0 at /pay is 0 % over "
         "the last hour."),
        (12.0, "request rate", "requests_per_second", {"service": None, "namespace": "shop"},
         "The request rate in namespace shop is 12 requests/s over the last hour."),
        (6.0, "queue depth", "waiting", {"service": None, "slots": {"services": "a,b"}},
         "The queue depth of a and b is 6 over the last hour."),
    ],
)  # fmt: skip
def test_of_what_a_value_is(figure: float, words: str, unit: str, plan: dict[str, Any], text: str) -> None:
    assert said(MeasuredValue(value=figure), words, unit, **plan) == text


def test_the_parts_of_a_saturation_and_what_else_belongs_to_availability() -> None:
    parts = (
        Detail(name="cpu", value=0.03, unit="ratio"),
        Detail(name="memory", value=0.6, unit="ratio"),
        Detail(name="disk", value=None, unit="ratio"),
    )
    text = said(MeasuredValue(value=0.6, details=parts), "saturation", metric="saturation")
    assert text.endswith("is 60 % over the last hour. Of their limits: memory 60 % and cpu 3 %.")
    failing = (Detail(name="error_ratio", value=0.0327, unit="ratio"),)
    text = said(MeasuredValue(value=1.0, details=failing), "availability", metric="availability")
    assert text.endswith("is 100 % over the last hour. Of the requests 3.27 % failed.")


def test_what_a_cost_is_made_of() -> None:
    details = (
        Detail(name="cost", value=1.5, unit="usd", labels={"model": "small"}),
        Detail(name="cost", value=0.04, unit="usd", labels={"model": ""}),
        Detail(name="token_usage", value=7e6, unit="tokens", labels={"token_type": "prompt"}),
    )
    figure = MeasuredValue(value=1.54, details=details)
    assert said(figure, "cost", "usd", intent="cost_query", metric="cost", service=None) == (
        "The cost is 1.54 USD over the last hour. By model: small 1.5 USD and (none) 0.04 USD. "
        "Tokens used: prompt 7,000,000 tokens."
    )


def test_no_figure_says_why_and_is_no_zero() -> None:
    missing = NotMeasured(reason="no_data", detail="the backend has no samples of m in this window")
    assert said(missing) == (
        "I cannot tell the error rate of the payment service over the last hour: the backend has no "
        "samples of m in "
        "this window. That is not a measured zero."
    )


def test_ranked_rows() -> None:
    text = said(rows(("checkout", 0.0332), ("payment", 0.0327), ("odd", None)), service=None)
    assert text == (
        "The error rate by service over the last hour, the highest first:\n\n"
        "1. checkout: 3.32 %\n2. payment: 3.27 %\n3. odd: no data"
    )
    text = said(rows(("a", 0.5), ("b", 0.6), measured=6), service=None, top=2, lowest=True)
    assert "(2 of 6), the lowest first:" in text
    text = said(rows(("502", 0.03), ("504", 0.002), by="status_code", total=0.032))
    assert text.startswith(
        "The error rate of the payment service by status over the last hour, the highest first; "
    )
    assert "together 3.2 %:\n\n1. 502 Bad Gateway: 3 %\n2. 504 Gateway Timeout: 0.2 %" in text


def test_many_rows_are_cut() -> None:
    text = said(rows(*((f"s{n}", 0.1) for n in range(30))), service=None)
    assert text.endswith("20. s19: 10 %\n\n… and 10 more.")


def test_none_above_a_threshold_is_not_no_data() -> None:
    text = said(rows(measured=6), service=None, threshold=ABOVE)
    assert text == "The error rate by service is nowhere above 2 % over the last hour: none of the 6 with data."
    text = said(rows(measured=0, by="status_code", total=0.0))
    assert text == (
        "The error rate of the payment service is 0 % over the last hour: there is no status to tell apart."
    )


def course(**values: Any) -> Course:
    usual = {
        "points": ((0.0, 1.0),), "mean": 0.025, "first": 0.003, "last": 0.002, "peak": 0.114, "peak_at": at(61),
        "lowest": 0.0, "lowest_at": at(110), "trend": "unclear",
    }  # fmt: skip
    return Course.model_validate({**usual, **values})


def test_a_course_in_words() -> None:
    met = (TimeRange(start=at(70), end=at(40)),)
    figure = MeasuredSeries(step_seconds=60, courses=(course(met=met),), measured=1)
    assert said(figure, over=2 * HOUR, threshold=ABOVE, course=True) == (
        "The error rate of the payment service over the last 2 hours went up and down without a "
        "clear trend, 2.5 % on "
        "average. The peak is 11.4 % at 10:59 UTC, the lowest 0 % at 10:10 UTC; each value is of a minute. It is "
        "above 2 % from 10:50 to 11:20 UTC on 1 Mar: 30 minutes in all."
    )
    rising = MeasuredSeries(step_seconds=900, courses=(course(trend="rising"),), measured=1)
    text = said(rising, over=DAY, threshold=ABOVE, course=True)
    assert "over the last 24 hours rose from 0.3 % to 0.2 %, 2.5 % on average." in text
    assert text.endswith("each value is of 15 minutes. It is never above 2 %.")
    steady = MeasuredSeries(step_seconds=60, courses=(course(trend="steady"),), measured=1)
    assert "stayed at about 2.5 %. The peak" in said(steady)


def test_several_courses() -> None:
    figure = MeasuredSeries(
        by=("service",), step_seconds=60, measured=6,
        courses=(course(labels={"service": "a"}, trend="steady"), course(labels={"service": "b"})),
    )  # fmt: skip
    assert said(figure, service=None, course=True) == (
        "The error rate by service over the last hour, each value of a minute; the 2 highest of 6:\n\n"
        "- a: 2.5 % on average, steady; peak 11.4 % at 10:59 UTC, lowest 0 % at 10:10 UTC\n"
        "- b: 2.5 % on average, no clear trend; peak 11.4 % at 10:59 UTC, lowest 0 % at 10:10 UTC"
    )


def compared(first: float | None, second: float | None, **labels: str) -> Compared:
    both = first is not None and second is not None
    return Compared(
        labels=labels, first=first, second=second,
        difference=first - second if both and first is not None and second is not None else None,
        ratio=first / second if both and first is not None and second else None,
    )  # fmt: skip


def test_two_windows_and_two_names() -> None:
    earlier = TimeRange(start=at(120), end=at(60))
    both = {"first": Side(range=last(HOUR)), "second": Side(range=earlier)}
    figure = MeasuredComparison(between="time", rows=(compared(0.0327, 0.0172),), **both)
    assert said(figure) == (
        "The error rate of the payment service is 3.27 % over the last hour, and 1.72 % from 10:00 "
        "to 11:00 UTC on "
        "1 Mar: 1.55 percentage points more (90.1 % more)."
    )
    groups = MeasuredComparison(
        between="time", rows=(compared(0.03, 0.01, service="a"), compared(0.1, None, service="b")), **both
    )
    assert said(groups, service=None).endswith(
        "the largest change first:\n\n- a: 3 %, and 1 %: 2 percentage points more (3 times as "
        "much)\n- b: 10 %, and no data"
    )
    names = {"first": Side(name="payment", range=last(HOUR)), "second": Side(name="orders", range=last(HOUR))}
    figure = MeasuredComparison(between="service", rows=(compared(0.2119, 0.0479),), **names)
    assert said(figure, "p95 latency", "seconds", service=None) == (
        "The p95 latency over the last hour: payment 212 ms, orders 47.9 ms. payment has 164 ms more "
        "(4.42 times as "
        "much)."
    )
    same = MeasuredComparison(between="service", rows=(compared(0.5, 0.5),), **names)
    assert said(same, service=None).endswith("payment 50 %, orders 50 %: no difference.")


def forecast(**values: Any) -> MeasuredForecast:
    usual = {
        "now": 0.636, "horizon_seconds": HOUR, "value": 0.706, "low": 0.693, "high": 0.718,
        "slope_per_day": 1.777, "trend": "rising", "fitted": last(6 * HOUR), "limit": 1.0,
        "limit_at": END + timedelta(hours=5, seconds=29), "limit_earliest": END + timedelta(hours=4, minutes=44),
    }  # fmt: skip
    return MeasuredForecast.model_validate({**usual, **values})


def test_a_forecast_with_its_interval_and_its_limit() -> None:
    plan = {"intent": "capacity_forecast", "metric": "memory"}
    text = said(forecast(fitted=last(3 * HOUR), fell_back=True), "memory use", over=6 * HOUR, **plan)
    assert text == (
        "The memory use of the payment service is 63.6 % of the limit now and will be about 70.6 % in an hour "
        "(between 69.3 % and 71.8 %), rising by 7.4 percentage points an hour. It reaches its limit "
        "in 5 hours, at "
        "17:00 UTC, at the earliest at 16:44 UTC. The values fell back before: what is carried on is "
        "from 09:00 to "
        "12:00 UTC on 1 Mar."
    )
    behind = said(forecast(value=2.4, horizon_seconds=2 * DAY), "memory use", over=6 * HOUR, **plan)
    assert behind == (
        "The memory use of the payment service is 63.6 % of the limit now, rising by 177.7 "
        "percentage points a day. It "
        "reaches its limit in 5 hours, at 17:00 UTC, at the earliest at 16:44 UTC."
    )
    never = forecast(limit_at=None, limit_earliest=None, trend="steady", horizon_seconds=7 * DAY)
    text = said(never, "memory use", over=6 * HOUR, **plan)
    assert "in 7 days (between" in text
    assert "It is steady. At this pace it does not reach its limit in any time that can be told." in text
    assert text.endswith("The forecast looks far beyond the 6 hours that it is based on.")
    past = forecast(limit_at=END, limit_earliest=END)
    assert "It is past its limit already." in said(past, "memory use", over=6 * HOUR, **plan)


def test_what_adds_up_is_forecast_as_a_sum() -> None:
    figure = forecast(
        now=1.5366, value=36.878, low=-2.0, high=37.56, horizon_seconds=DAY, sums_up=True, trend="unclear",
        limit=None, limit_at=None, limit_earliest=None, fitted=last(HOUR),
    )  # fmt: skip
    text = said(figure, "cost", "usd", metric="cost", service=None, intent="capacity_forecast")
    assert text == (
        "The cost will come to about 36.9 USD in the next day (between 0 USD and 37.6 USD), after "
        "1.54 USD over the "
        "last hour. There is no clear trend: take this with care. The forecast looks far beyond the "
        "hour that it is "
        "based on."
    )


def budget(**values: Any) -> MeasuredBudget:
    usual = {
        "objective": 0.995, "window_seconds": 30 * DAY, "covered_seconds": 30 * DAY, "error_ratio": 0.002,
        "left": 0.6, "burns": (Burn(window_seconds=300, rate=0.83), Burn(window_seconds=3 * DAY, rate=None)),
    }  # fmt: skip
    return MeasuredBudget.model_validate({**usual, **values})


def test_an_objective() -> None:
    assert said(budget(), "error budget", intent="slo_query") == (
        "The error budget of the payment service has 60 % left: 0.2 % of the requests failed, 0.5 % "
        "may. The objective "
        "is 99.5 % over 30 days.\n\nThe burn rate of the payment service is 0.83 over 5 minutes; at "
        "1 the budget lasts "
        "exactly 30 days."
    )
    burning = said(budget(), "error budget", intent="slo_query", metric="burn_rate")
    assert burning.startswith("The burn rate of the payment service is 0.83 over 5 minutes; at 1 the budget lasts")
    details = (
        Detail(name="latency_p95", value=0.75, unit="seconds"),
        Detail(name="latency_p95_target", value=0.5, unit="seconds"),
    )
    gone = budget(
        left=-0.95, error_ratio=0.00976, covered_seconds=6 * HOUR, alerts=("5min/1h",), gone_in_seconds=9 * HOUR,
        details=details,
    )  # fmt: skip
    text = said(gone, "error budget", intent="slo_query")
    assert text.startswith(
        "The error budget of the payment service is overspent by 95 %: 0.98 % of the requests failed"
    )
    assert "over 30 days; the backend has data of 6 hours of it." in text
    assert text.endswith(
        "It burns too fast over 5min and 1h. At the rate of the last hour nothing is left in 9 "
        "hours. The p95 latency "
        "is 750 ms, breaching its target of < 500 ms."
    )
