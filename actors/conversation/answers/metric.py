"""The answer to a question for one metric."""

from __future__ import annotations

from datetime import datetime

from actors.conversation.answers import figures
from actors.conversation.answers.names import all_or, metric_name
from actors.conversation.answers.templates import render
from actors.conversation.answers.windows import window
from schemas.adapters import MetricAnswer
from schemas.plans import TimeRange

PRIMARY_ERRORS = 5


def metric_answer(
    answer: MetricAnswer, range: TimeRange, as_of: datetime, timezone: str, offer: str | None = None
) -> str:
    """The figure and its window, the breakdown, the objective, the offer; "no data" where nothing was measured."""
    return render(
        "metric" if figures.measured(answer.value) else "metric_no_data",
        subject=all_or(answer.service),
        metric=metric_name(answer),
        value=figures.value_of(answer) if figures.measured(answer.value) else None,
        window=window(range, as_of, timezone),
        breakdown=breakdown(answer),
        target=figures.target_of(answer),
        within=answer.within_slo,
        idle=answer.total_requests == 0,
        offer=offer,
    )


def breakdown(answer: MetricAnswer) -> str:
    """ "total requests 45,231; failed requests 104; primary errors: 502 Bad Gateway 67 (64 %)", or nothing."""
    parts: list[str] = []
    if answer.total_requests is not None:
        parts.append(f"total requests {figures.count(answer.total_requests)}")
    if answer.failed_requests is not None:
        parts.append(_failed(answer.failed_requests))
    if answer.failures:
        parts.append(f"primary errors: {_failures(answer)}")
    return "; ".join(parts)


def _failed(number: float) -> str:
    if number == 0:
        return "no failed requests"
    return f"failed requests {figures.count(number)}" if number >= 0.5 else "failed requests: fewer than one"


def _failures(answer: MetricAnswer) -> str:
    return ", ".join(
        f"{figures.status(failure.status)} {figures.count(failure.count)} ({figures.share(failure.share)})"
        for failure in answer.failures[:PRIMARY_ERRORS]
    )
