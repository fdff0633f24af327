"""Questions about figures."""

from __future__ import annotations

from actors.conversation import answers
from actors.conversation.handlers.request import Request, Said
from schemas.adapters import HEALTH, METRIC, UPSTREAM, HealthQuestion, MetricAnswer, MetricQuestion
from schemas.context import Offer
from schemas.plans import Plan, TimeRange

INVESTIGATE = "Investigate the upstream dependencies"
OFFER = "Would you like me to investigate the upstream dependencies?"


async def metric(request: Request) -> Said:
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


async def health(request: Request) -> Said:
    question = HealthQuestion(service=request.plan.service, range=request.window)
    state = await request.ask.act(HEALTH, question, request.identity)
    return Said(
        content=answers.health_answer(state.output, request.window, request.as_of, request.timezone),
        evidence=state.evidence,
        degraded=state.degraded,
    )


async def upstream(request: Request) -> Said:
    """The figure of the plan for the services that its service calls."""
    figures = await request.ask.act(UPSTREAM, _question(request.plan, request.window), request.identity)
    return Said(
        content=answers.upstream_answer(figures.output, request.window, request.as_of, request.timezone),
        evidence=figures.evidence,
        degraded=figures.degraded,
    )


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
