"""The figures of a metric question: for one service, for all together, or for each of several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from actors.adapters.observatory.asking import Found
from actors.adapters.observatory.questions import Question, Questions
from actors.platform.config import SloSettings
from schemas.adapters import MetricAnswer, MetricQuestion, StatusCount
from schemas.plans import Metric

DEFAULT_PERCENTILE = 0.95
Unit = Literal["ratio", "seconds", "requests_per_second"]
UNITS: dict[Metric, Unit] = {"error_rate": "ratio", "latency": "seconds", "request_rate": "requests_per_second"}


def percentile_of(question: MetricQuestion) -> float | None:
    if question.metric != "latency":
        return None
    return question.percentile or DEFAULT_PERCENTILE


def questions_for(question: MetricQuestion, to: Questions) -> tuple[Question, ...]:
    """The figure asked for comes first."""
    if question.metric == "error_rate":
        return to.error_ratio(), to.total_requests(), to.failures()
    if question.metric == "latency":
        return (to.latency(question.percentile or DEFAULT_PERCENTILE),)
    return (to.request_rate(),)


def slo_target(question: MetricQuestion, slo: SloSettings) -> float | None:
    if question.metric == "error_rate":
        return slo.error_rate
    if percentile_of(question) == DEFAULT_PERCENTILE:
        return slo.latency_p95_seconds
    return None


def within(value: float | None, target: float | None) -> bool | None:
    """Strictly below: a quantile on its target may be any value above it (the last bucket's bound)."""
    return None if value is None or target is None else value < target


def answer(
    question: MetricQuestion, found: Sequence[Found], slo: SloSettings, service: str | None, each: bool
) -> MetricAnswer:
    """Of `service`; `each` where the readings are grouped by service."""
    key = service if each else None
    value, target = found[0].value(key), slo_target(question, slo)
    plain = MetricAnswer(
        metric=question.metric,
        service=service,
        percentile=percentile_of(question),
        value=value,
        unit=UNITS[question.metric],
        slo_target=target,
        within_slo=within(value, target),
    )
    return plain.model_copy(update=_breakdown(found, key)) if question.metric == "error_rate" else plain


def _breakdown(found: Sequence[Found], key: str | None) -> dict[str, object]:
    """Total and failed requests; failures by status, the most frequent first. All null without data."""
    _, total, table = found
    requests = total.value(key)
    if requests is None:
        return {}
    status = table.question.by[-1]
    counts = {sample.labels.get(status, ""): sample.value or 0.0 for sample in table.samples(key)}
    failed = sum(counts.values())
    failures = tuple(
        StatusCount(status=name, count=count, share=count / failed)
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        if count > 0
    )
    return {"total_requests": requests, "failed_requests": failed, "failures": failures}


def worst_first(figures: Sequence[MetricAnswer]) -> tuple[MetricAnswer, ...]:
    """The highest value first, no data last."""
    return tuple(
        sorted(figures, key=lambda figure: (figure.value is None, -(figure.value or 0.0), figure.service or ""))
    )
