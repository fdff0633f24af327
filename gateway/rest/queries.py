"""A question to the metrics directly, without a conversation around it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.call import Call, json_answer
from schemas.adapters import (
    HEALTH,
    MEASURE,
    METRIC,
    QUERY,
    Action,
    Command,
    HealthAnswer,
    HealthQuestion,
    MetricAnswer,
    MetricQuestion,
    Outcome,
    RawQuery,
)
from schemas.envelope import now
from schemas.errors import InvalidInput, Violation
from schemas.measures import Measured
from schemas.nlp import Understanding, Utterance
from schemas.plans import Plan, TimeRange
from schemas.rest import MetricsQuery, MetricsQueryAnswer
from schemas.subjects import ACT, UNDERSTAND

AsksT = TypeVar("AsksT", bound=BaseModel)
OF_METRICS = frozenset(
    {"metric_query", "metric_compare", "slo_query", "capacity_forecast", "cost_query", "service_health"}
)
"""Intents whose plan is answered with figures."""


async def metrics(call: Call) -> web.StreamResponse:
    asked = await call.body(MetricsQuery)
    answer = await (_promql(call, asked) if asked.language == "promql" else _natural(call, asked))
    return json_answer(answer)


async def _promql(call: Call, asked: MetricsQuery) -> MetricsQueryAnswer:
    window = asked.range.window() if asked.range else None
    query = RawQuery(
        query=asked.query,
        language="promql",
        range=window,
        at=asked.as_of or (window.end if window else now()),
        step_seconds=asked.range.step_seconds if asked.range else None,
    )
    outcome = await _act(call, QUERY, query)
    return _answer(asked, None, outcome)


async def _natural(call: Call, asked: MetricsQuery) -> MetricsQueryAnswer:
    at = asked.as_of or now()
    utterance = Utterance(text=asked.query, as_of=at)
    meaning = await call.gateway.pools.ask(UNDERSTAND, utterance, authorization=call.caller.authorization)
    plan = _plan_of(meaning, asked)
    window = asked.range.window() if asked.range else plan.range or _last_day(at)
    if plan.intent == "service_health":
        outcome = await _act(
            call, HEALTH, HealthQuestion(service=plan.service, environment=plan.environment, range=window)
        )
        return _answer(asked, HealthAnswer.model_validate(outcome.output), outcome)
    metric = plan.request_metric
    if metric is None or not plan.plain or plan.intent != "metric_query":
        outcome = await _act(call, MEASURE, plan.model_copy(update={"range": window}))
        return _answer(asked, Measured.model_validate(outcome.output), outcome)
    question = MetricQuestion(metric=metric, service=plan.service, percentile=plan.percentile, range=window)
    outcome = await _act(call, METRIC, question)
    return _answer(asked, MetricAnswer.model_validate(outcome.output), outcome)


def _last_day(at: datetime) -> TimeRange:
    """For what is asked without a time although it needs one: a forecast, a cost."""
    return TimeRange(start=at - timedelta(days=1), end=at)


def _plan_of(meaning: Understanding, asked: MetricsQuery) -> Plan:
    """Raises InvalidInput where the text is no complete question about metrics."""
    if meaning.unknown_services:
        unknown = meaning.unknown_services[0]
        near = f"; near ones: {', '.join(unknown.near)}" if unknown.near else ""
        raise _not_a_query(f"there is no service {unknown.name!r}{near}")
    plan = meaning.plan
    if plan is None or plan.intent not in OF_METRICS:
        raise _not_a_query(f"it was understood as {meaning.intent.name!r}")
    missing = tuple(slot for slot in meaning.missing if not (slot in ("range", "time_range") and asked.range))
    if missing:
        raise _not_a_query(f"it does not say: {', '.join(missing)}")
    return plan


def _not_a_query(why: str) -> InvalidInput:
    detail = f"the text is not a question about metrics: {why}"
    return InvalidInput(detail, violations=(Violation(pointer="/query", detail=why),))


async def _act(call: Call, action: Action[AsksT, Any], asks: AsksT) -> Outcome:
    call.caller.need(action.permission)
    command = Command(identity=call.caller.identity, input=asks.model_dump(mode="json"))
    return await call.gateway.pools.ask(
        ACT,
        command,
        authorization=call.caller.authorization,
        seconds=action.deadline_seconds,
        module=action.module,
        action=action.name,
    )


def _answer(
    asked: MetricsQuery, answer: MetricAnswer | HealthAnswer | Measured | None, outcome: Outcome
) -> MetricsQueryAnswer:
    return MetricsQueryAnswer(
        query=asked.query,
        language=asked.language,
        answer=answer,
        evidence=outcome.evidence,
        degraded=outcome.degraded,
    )
