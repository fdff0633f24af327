"""Questions about figures."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta

from actors.conversation import answers
from actors.conversation.handlers.request import Request, Said
from schemas.adapters import (
    HEALTH,
    MEASURE,
    METRIC,
    UPSTREAM,
    HealthQuestion,
    MetricAnswer,
    MetricQuestion,
)
from schemas.context import Offer, Shown
from schemas.errors import InvalidInput
from schemas.measures import Figure, MeasuredRows, MeasuredSeries
from schemas.plans import Plan, TimeRange

INVESTIGATE = "Investigate the upstream dependencies"
OFFER = "Would you like me to investigate the upstream dependencies?"


async def metric(request: Request) -> Said:
    """One figure of requests comes with its breakdown, its objective and an offer; everything else is measured."""
    if not request.plan.plain:
        return await measured(request)
    return await _or_why_not(_plain(request))


async def measured(request: Request) -> Said:
    return await _or_why_not(_measured(request))


async def _or_why_not(answer: Awaitable[Said]) -> Said:
    """What passes a limit is no failure of the turn: more than 30 days, a forecast by groups."""
    try:
        return await answer
    except InvalidInput as error:
        return Said(answers.refused_answer(error.detail))


async def _plain(request: Request) -> Said:
    plan = request.plan
    figure = await request.ask.act(METRIC, _question(plan, request.window), request.identity)
    offer = _offer(plan, figure.output)
    return Said(
        content=answers.metric_answer(
            figure.output, request.window, request.as_of, request.timezone, offer.text if offer else None
        ),
        evidence=figure.evidence,
        offer=offer,
        suggestions=(INVESTIGATE,) if offer else (),
        degraded=figure.degraded,
    )


async def _measured(request: Request) -> Said:
    plan = request.plan
    if plan.range is None:
        plan = plan.model_copy(update={"range": _usual_range(request)})
    figure = await request.ask.act(MEASURE, plan, request.identity)
    return Said(
        content=answers.measured_answer(figure.output, plan, request.as_of, request.timezone),
        evidence=figure.evidence,
        shown=_shown(figure.output.figure),
        degraded=figure.degraded,
    )


async def health(request: Request) -> Said:
    plan = request.plan
    question = HealthQuestion(service=plan.service, environment=plan.environment, range=request.window)
    state = await request.ask.act(HEALTH, question, request.identity)
    return Said(
        content=answers.health_answer(
            state.output, request.window, request.as_of, request.timezone, plan.environment
        ),
        evidence=state.evidence,
        shown=_listed(tuple(one.service for one in answers.worst_first(state.output))),
        degraded=state.degraded,
    )


async def upstream(request: Request) -> Said:
    """The figure of the plan for the services that its service calls."""
    figures = await request.ask.act(UPSTREAM, _question(request.plan, request.window), request.identity)
    return Said(
        content=answers.upstream_answer(figures.output, request.window, request.as_of, request.timezone),
        evidence=figures.evidence,
        shown=_listed(tuple(one.service for one in figures.output.figures if one.service)),
        degraded=figures.degraded,
    )


def _listed(services: tuple[str, ...]) -> Shown | None:
    """One service is no list to point into."""
    return Shown(type="service", names=services) if len(services) > 1 else None


def _usual_range(request: Request) -> TimeRange:
    """Forecasts and costs are of the last day; an objective is looked at as it stands, whatever the window."""
    return TimeRange(start=request.as_of - timedelta(days=1), end=request.as_of)


def _shown(figure: Figure) -> Shown | None:
    """What "the second one" is taken from: groups of one kind, in the order of the answer."""
    if isinstance(figure, MeasuredRows):
        names = [row.labels for row in figure.rows]
    elif isinstance(figure, MeasuredSeries):
        names = [course.labels for course in figure.courses]
    else:
        return None
    if len(figure.by) != 1 or not names:
        return None
    return Shown(type=figure.by[0], names=tuple(labels[figure.by[0]] for labels in names))


def _question(plan: Plan, window: TimeRange) -> MetricQuestion:
    metric = plan.request_metric
    if metric is None:
        raise ValueError(f"a question for {plan.metric} is none for a metric of requests")
    return MetricQuestion(metric=metric, service=plan.service, percentile=plan.percentile, range=window)


def _offer(plan: Plan, figure: MetricAnswer) -> Offer | None:
    """Only what can be done is offered: there is a figure, and the service calls others."""
    if figure.value is None or not figure.calls:
        return None
    return Offer(kind="upstream", plan=plan, text=OFFER)
