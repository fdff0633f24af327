"""One handler an intent: from what was meant to what is said, with the evidence for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from actors.conversation import answers
from actors.conversation.colleagues import Answer, Colleagues
from schemas.adapters import (
    CATALOGUE,
    HEALTH,
    METRIC,
    UPSTREAM,
    Catalogue,
    Degraded,
    Empty,
    Evidence,
    HealthQuestion,
    MetricAnswer,
    MetricQuestion,
)
from schemas.context import Offer, WorkingMemory
from schemas.conversation import Clarification
from schemas.errors import BackendUnavailable, Forbidden
from schemas.identity import Identity, Permission
from schemas.nlp import Understanding
from schemas.plans import Plan, TimeRange

INVESTIGATE = "Investigate the upstream dependencies"
OFFER = "Would you like me to investigate the upstream dependencies?"


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler works on; `as_of` is the instant the question is asked for."""

    meaning: Understanding
    memory: WorkingMemory
    identity: Identity
    as_of: datetime
    timezone: str
    ask: Colleagues

    @property
    def plan(self) -> Plan:
        if self.meaning.plan is None:
            raise ValueError(f"intent {self.meaning.intent.name} came without a plan")
        return self.meaning.plan

    @property
    def window(self) -> TimeRange:
        if self.plan.range is None:
            raise ValueError(f"intent {self.meaning.intent.name} came without a range")
        return self.plan.range


@dataclass(frozen=True, slots=True)
class Said:
    """What a handler says, and what the conversation remembers of it."""

    content: str
    evidence: tuple[Evidence, ...] = ()
    memory: WorkingMemory = field(default_factory=WorkingMemory)
    suggestions: tuple[str, ...] = ()
    degraded: tuple[Degraded, ...] = ()
    clarification: Clarification | None = None


Handle = Callable[[Request], Awaitable[Said]]


async def respond(request: Request) -> Said:
    """Checks the permission, asks back what is missing, hands to the handler; a backend that is away is said."""
    intent = INTENTS[request.meaning.intent.name]
    if not request.identity.may(intent.permission):
        raise Forbidden(f"this needs the permission {intent.permission}")
    if request.meaning.unknown_services:
        return await _unknown_service(request)
    if request.meaning.missing:
        return _ask_back(request)
    try:
        return await intent.handle(request)
    except BackendUnavailable as error:
        return Said(
            content=answers.backend_down_answer(error.detail),
            memory=WorkingMemory(plan=request.meaning.plan),
            degraded=(Degraded(part="prometheus", reason=error.detail),),
        )


async def _metric(request: Request) -> Said:
    plan = request.plan
    figure = await request.ask.act(METRIC, _question(plan, request.window), request.identity)
    offer = _offer(plan, figure.output)
    return Said(
        content=answers.metric_answer(
            figure.output, request.window, request.as_of, request.timezone, offer.text if offer else None
        ),
        evidence=figure.evidence,
        memory=WorkingMemory(plan=plan, offer=offer),
        suggestions=(INVESTIGATE,) if offer else (),
        degraded=figure.degraded,
    )


async def _health(request: Request) -> Said:
    question = HealthQuestion(service=request.plan.service, range=request.window)
    health = await request.ask.act(HEALTH, question, request.identity)
    return Said(
        content=answers.health_answer(health.output, request.window, request.as_of, request.timezone),
        evidence=health.evidence,
        memory=WorkingMemory(plan=request.plan),
        degraded=health.degraded,
    )


async def _affirm(request: Request) -> Said:
    offer = request.memory.offer
    if offer is None or offer.plan.range is None:
        return Said(answers.nothing_offered_answer(), memory=WorkingMemory(plan=request.memory.plan))
    window = offer.plan.range
    upstream = await request.ask.act(UPSTREAM, _question(offer.plan, window), request.identity)
    return Said(
        content=answers.upstream_answer(upstream.output, window, request.as_of, request.timezone),
        evidence=upstream.evidence,
        memory=WorkingMemory(plan=offer.plan),
        degraded=upstream.degraded,
    )


async def _deny(request: Request) -> Said:
    return Said(answers.denied_answer(), memory=WorkingMemory(plan=request.memory.plan))


async def _help(request: Request) -> Said:
    catalogue = await _catalogue(request)
    return Said(
        answers.help_answer(catalogue.output.services),
        memory=WorkingMemory(plan=request.memory.plan),
        degraded=catalogue.output.degraded,
    )


async def _out_of_scope(request: Request) -> Said:
    return Said(answers.out_of_scope_answer(), memory=WorkingMemory(plan=request.memory.plan))


async def _unknown_service(request: Request) -> Said:
    catalogue = await _catalogue(request)
    unknown = request.meaning.unknown_services[0]
    return Said(
        answers.unknown_service_answer(unknown, catalogue.output.services),
        memory=WorkingMemory(plan=request.memory.plan),
        suggestions=unknown.near,
        degraded=catalogue.output.degraded,
    )


def _ask_back(request: Request) -> Said:
    meaning = request.meaning
    question = answers.clarification(meaning.missing, meaning.options)
    return Said(
        question,
        memory=WorkingMemory(plan=meaning.plan),
        clarification=Clarification(question=question, missing=meaning.missing, options=meaning.options),
    )


async def _catalogue(request: Request) -> Answer[Catalogue]:
    return await request.ask.act(CATALOGUE, Empty(), request.identity)


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


@dataclass(frozen=True, slots=True)
class IntentEntry:
    permission: Permission
    handle: Handle


INTENTS: dict[str, IntentEntry] = {
    "metric_query": IntentEntry("telemetry.read", _metric),
    "service_health": IntentEntry("telemetry.read", _health),
    "help": IntentEntry("chat", _help),
    "affirm": IntentEntry("telemetry.read", _affirm),
    "deny": IntentEntry("chat", _deny),
    "out_of_scope": IntentEntry("chat", _out_of_scope),
}
