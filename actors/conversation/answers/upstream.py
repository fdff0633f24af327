"""The same figures for the services that a service calls, worst first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actors.conversation.answers import figures
from actors.conversation.answers.metric import breakdown
from actors.conversation.answers.names import metric_name, the_service
from actors.conversation.answers.templates import render
from actors.conversation.answers.windows import window
from schemas.adapters import MetricAnswer, UpstreamAnswer
from schemas.plans import TimeRange


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    metric: str
    value: str | None
    target: str | None
    within: bool | None
    breakdown: str


def upstream_answer(answer: UpstreamAnswer, range: TimeRange, as_of: datetime, timezone: str) -> str:
    """Keeps the order of `answer.figures`, except that services without data come last."""
    lines = tuple(_line(figure) for figure in answer.figures)
    known = tuple(line for line in lines if line.value is not None)
    return render(
        "upstream",
        service=the_service(answer.service),
        window=window(range, as_of, timezone),
        known=known,
        unknown=tuple(line for line in lines if line.value is None),
        all_within=bool(known) and all(line.within is True for line in known),
        count=len(known),
    )


def _line(figure: MetricAnswer) -> Line:
    return Line(
        name=figure.service or "all services together",
        metric=metric_name(figure),
        value=figures.value_of(figure) if figures.measured(figure.value) else None,
        target=figures.target_of(figure),
        within=figure.within_slo,
        breakdown=breakdown(figure),
    )
