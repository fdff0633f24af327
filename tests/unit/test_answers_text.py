"""Answers from recorded results, word by word where the words are the promise."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.conversation import answers
from actors.conversation.answers import chunking
from schemas.adapters import HealthAnswer, MetricAnswer, ServiceHealth, StatusCount, UpstreamAnswer
from schemas.nlp import UnknownService
from schemas.plans import TimeRange

NOW = datetime(2026, 11, 22, 14, 25, tzinfo=UTC)
LAST_HOUR = TimeRange(start=NOW - timedelta(hours=1), end=NOW)
OFFER = "Would you like me to investigate the upstream dependencies?"
PAYMENT = MetricAnswer(
    metric="error_rate",
    service="payment",
    value=104 / 45231,
    unit="ratio",
    total_requests=45231.3,
    failed_requests=104.2,
    failures=(
        StatusCount(status="502", count=67.1, share=67 / 104),
        StatusCount(status="504", count=36.9, share=37 / 104),
    ),
    slo_target=0.005,
    within_slo=True,
)
LATENCY = MetricAnswer(
    metric="latency", service=None, percentile=0.99, value=0.6123, unit="seconds", slo_target=0.5, within_slo=False
)
HEALTHY = ServiceHealth(
    service="orders",
    status="healthy",
    error_ratio=0.001,
    latency_p95_seconds=0.12,
    requests_per_second=12.64,
    instances_up=2,
    instances=2,
)
DEGRADED = HEALTHY.model_copy(
    update={"service": "payment", "status": "degraded", "reasons": ("error rate above the objective",)}
)
UNKNOWN = ServiceHealth(
    service="inventory",
    status="unknown",
    error_ratio=None,
    latency_p95_seconds=None,
    requests_per_second=None,
    instances_up=None,
    instances=None,
)


def changed(answer: MetricAnswer, **values: object) -> MetricAnswer:
    return answer.model_copy(update=values)


def metric(answer: MetricAnswer, offer: str | None = None, range: TimeRange = LAST_HOUR) -> str:
    return answers.metric_answer(answer, range, NOW, "UTC", offer)


def health(*services: ServiceHealth) -> str:
    return answers.health_answer(HealthAnswer(services=services), LAST_HOUR, NOW, "UTC")


def upstream(*figures: MetricAnswer) -> str:
    return answers.upstream_answer(UpstreamAnswer(service="payment", figures=figures), LAST_HOUR, NOW, "UTC")


def test_the_sentence_of_the_main_job() -> None:
    assert metric(PAYMENT, OFFER) == (
        "The payment service has an error rate of 0.23 % over the last hour. Breakdown: total requests 45,231; "
        "failed requests 104; primary errors: 502 Bad Gateway 67 (64 %), 504 Gateway Timeout 37 (36 %). "
        "This is within the SLO target of < 0.5 %. "
        "Would you like me to investigate the upstream dependencies?"
    )


def test_above_the_objective_it_breaches() -> None:
    text = metric(changed(PAYMENT, value=0.021, within_slo=False))
    assert "error rate of 2.1 %" in text
    assert text.endswith("This breaches the SLO target of < 0.5 %.")


def test_without_an_objective_none_is_mentioned() -> None:
    assert "SLO" not in metric(changed(PAYMENT, slo_target=None, within_slo=None))


def test_no_failures_are_said() -> None:
    text = metric(changed(PAYMENT, value=0.0, failed_requests=0.0, failures=()))
    assert text.startswith("The payment service has an error rate of 0 % over the last hour.")
    assert "no failed requests" in text


@pytest.mark.parametrize("value", [None, float("nan")])
def test_no_data_is_never_zero(value: float | None) -> None:
    text = metric(changed(PAYMENT, value=value, total_requests=None, failed_requests=None, failures=()))
    assert text.startswith("There is no data for the error rate of the payment service over the last hour")
    assert not re.search(r"\d", text)


def test_no_requests_are_no_data_with_its_reason() -> None:
    assert "no requests were counted" in metric(changed(PAYMENT, value=None, total_requests=0.0, failures=()))


def test_latency_of_all_services() -> None:
    assert metric(LATENCY) == (
        "All services together have a p99 latency of 612 ms over the last hour. "
        "This breaches the SLO target of < 500 ms."
    )


def test_request_rate_has_no_objective() -> None:
    rate = MetricAnswer(
        metric="request_rate",
        service="gateway-service",
        value=12.64,
        unit="requests_per_second",
        total_requests=45504,
    )
    assert metric(rate) == (
        "The gateway-service has a request rate of 12.6 requests/s over the last hour. "
        "Breakdown: total requests 45,504."
    )


@pytest.mark.parametrize(
    ("start", "end", "zone", "words"),
    [
        (NOW - timedelta(minutes=30), NOW, "UTC", "over the last 30 minutes."),
        (NOW - timedelta(hours=24), NOW, "UTC", "over the last 24 hours."),
        (NOW - timedelta(days=7), NOW, "UTC", "over the last 7 days."),
        (datetime(2026, 11, 21, 14, tzinfo=UTC), datetime(2026, 11, 21, 14, 30, tzinfo=UTC), "UTC",
         "from 14:00 to 14:30 UTC on 21 Nov."),
        (datetime(2026, 11, 21, 14, tzinfo=UTC), datetime(2026, 11, 21, 14, 30, tzinfo=UTC), "Europe/Berlin",
         "from 15:00 to 15:30 CET on 21 Nov."),
        (datetime(2026, 11, 21, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC), "UTC", "on 21 Nov (UTC)."),
        (datetime(2025, 11, 10, tzinfo=UTC), datetime(2025, 11, 17, tzinfo=UTC), "UTC",
         "from 10 Nov 2025 to 16 Nov 2025 (UTC)."),
        (datetime(2026, 11, 21, 22, tzinfo=UTC), datetime(2026, 11, 22, 2, tzinfo=UTC), "UTC",
         "from 22:00 on 21 Nov to 02:00 UTC on 22 Nov."),
        (datetime(2026, 11, 21, 22, 11, 7, tzinfo=UTC), NOW, "UTC", "since 22:11:07 UTC on 21 Nov."),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin",
         "from 02:30 CEST to 02:30 CET on 25 Oct."),
        (datetime(2026, 11, 21, 14, tzinfo=UTC), datetime(2026, 11, 21, 15, tzinfo=UTC), "America/Sao_Paulo",
         "from 11:00 to 12:00 UTC-0300 on 21 Nov."),
    ],
)  # fmt: skip
def test_the_window_is_named(start: datetime, end: datetime, zone: str, words: str) -> None:
    figure = changed(PAYMENT, total_requests=None, failed_requests=None, failures=(), slo_target=None)
    text = answers.metric_answer(figure, TimeRange(start=start, end=end), NOW, zone)
    assert text == f"The payment service has an error rate of 0.23 % {words}"


def test_upstream_names_the_worst_and_ranks() -> None:
    worst = changed(PAYMENT, service="inventory", value=0.02, within_slo=False)
    text = upstream(worst, changed(PAYMENT, service="orders"), changed(PAYMENT, service="stock", value=None))
    assert text.startswith(
        "The worst upstream dependency of the payment service is inventory, with an error rate of 2 % "
        "over the last hour. This breaches the SLO target of < 0.5 %.\n\n1. inventory: error rate 2 %; total"
    )
    assert "\n2. orders: error rate 0.23 %; total requests 45,231; failed requests 104" in text
    assert text.endswith("- stock: no data")


def test_upstream_within_the_objective() -> None:
    text = upstream(changed(PAYMENT, service="orders"), changed(PAYMENT, service="inventory"))
    assert text.startswith("Both upstream dependencies of the payment service with data are within the SLO target")


def test_upstream_without_any() -> None:
    assert upstream() == "No upstream dependencies of the payment service are known, so there is nothing to rank."
    assert upstream(changed(PAYMENT, service="orders", value=None)).startswith("There is no data for the upstream")


def test_health_of_one_service() -> None:
    assert health(DEGRADED) == (
        "The payment service is degraded over the last hour. Figures: error rate 0.1 %, p95 latency 120 ms, "
        "12.6 requests/s, 2 of 2 instances up. Reasons: error rate above the objective."
    )
    assert health(UNKNOWN).startswith("The state of the inventory service is unknown over the last hour")


def test_health_of_all_puts_the_worst_first() -> None:
    text = health(HEALTHY, UNKNOWN, DEGRADED)
    assert text.startswith("1 of 3 services needs attention over the last hour: payment (degraded).")
    assert [line.split(":")[0] for line in text.splitlines() if line.startswith("- ")] == [
        "- payment",
        "- inventory",
        "- orders",
    ]
    assert health(HEALTHY, HEALTHY).startswith("All 2 services are healthy over the last hour.")
    assert "No services are known" in health()
    assert "not enough data to tell for inventory" in health(HEALTHY, UNKNOWN)


def test_unknown_services_are_said_with_near_names() -> None:
    near = UnknownService(name="paymnt", near=("payment",))
    assert answers.unknown_service_answer(near, ("payment",)) == (
        "There is no service named 'paymnt'. Did you mean payment?"
    )
    several = UnknownService(name="pay", near=("payment", "payout"))
    assert answers.unknown_service_answer(several, ()).endswith("Did you mean payment or payout?")
    stranger = UnknownService(name="zebra")
    assert answers.unknown_service_answer(stranger, ("a", "b")).endswith("The services that I know are a and b.")
    assert answers.unknown_service_answer(stranger, ()).endswith("I know of no services at the moment.")


def test_talk() -> None:
    down = answers.backend_down_answer("cannot connect\nto 127.0.0.1:9090.")
    assert down.startswith("Prometheus does not answer, so I cannot give any figure at the moment.")
    assert "cannot connect to 127.0.0.1:9090." in down
    assert answers.clarification(("service",), ("a", "b")) == (
        'Which service do you mean: a or b? You can also say "all services".'
    )
    assert answers.clarification(("metric",), ("error rate", "latency")) == (
        "Which metric do you mean: error rate or latency?"
    )
    assert "checkout and payment" in answers.help_answer(("checkout", "payment"))
    assert "checkout in the last hour" in answers.help_answer(("checkout", "payment"))
    for text in (answers.out_of_scope_answer(), answers.denied_answer(), answers.nothing_offered_answer()):
        assert text
        assert "\n" not in text
    with pytest.raises(ValueError, match="nothing is missing"):
        answers.clarification((), ())


@given(st.text(max_size=4_000))
def test_chunks_join_to_the_text(text: str) -> None:
    assert "".join(answers.chunks(text)) == text
    assert all(answers.chunks(text))


@given(st.lists(st.text(alphabet="abc.,!?%0", min_size=1, max_size=40), max_size=100))
def test_chunks_of_words_are_small(words: list[str]) -> None:
    assert all(len(chunk) <= chunking.LARGEST for chunk in answers.chunks(" ".join(words)))


def test_chunks_are_sentences_and_lines_as_many_as_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "One 0.5 %. Two!\n\n1. three\n- four"
    assert answers.chunks(text) == [text]
    monkeypatch.setattr(chunking, "LARGEST", 12)
    assert answers.chunks(text) == ["One 0.5 %. ", "Two!\n\n", "1. three\n", "- four"]
