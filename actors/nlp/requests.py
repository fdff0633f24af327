"""One request of a message, read in its conversation: intent, entities, plan, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from actors.nlp.clauses import Condition, flipped, says_so
from actors.nlp.dialogue.decide import decide
from actors.nlp.dialogue.memory import after_request, after_talk, after_yes
from actors.nlp.dialogue.merging import LATENCIES, merged, types_of
from actors.nlp.dialogue.reading import Reading, Situation
from actors.nlp.dialogue.resolve import Resolved, resolve
from actors.nlp.needs import Needs, needs, symptom
from actors.nlp.registry import IntentDefinition
from actors.nlp.stated import stated
from actors.nlp.times import Calendar, last_hour
from schemas.context import Frame, Offer, WorkingMemory
from schemas.entities import Entity
from schemas.nlp import FurtherRequest, Handling, Intent, Understanding, UnknownService
from schemas.plans import Plan, Threshold, TimeRange

DEFAULT_PERCENTILE = 0.95
"""Of a latency whose percentile is not named; the objective for latency is one of this percentile."""
LAST_HOUR = frozenset(
    {
        "metric_query",
        "log_query",
        "trace_query",
        "service_health",
        "metric_compare",
        "anomaly_detect",
        "root_cause",
    }
)
"""Questions that are for the last hour when no time is named."""
IN_WORDS = frozenset({"incident_create", "incident_update", "root_cause", "remember", "knowledge_query"})
"""Intents whose handler needs the words themselves, in `slots["text"]`."""


@dataclass(frozen=True, slots=True)
class Part:
    intent: Intent
    handling: Handling
    entities: tuple[Entity, ...]
    plan: Plan | None
    missing: tuple[str, ...]
    options: tuple[str, ...]
    unknown: tuple[UnknownService, ...]
    memory: WorkingMemory
    """After this request."""
    condition: Condition | None = None
    threshold: Threshold | None = None
    ambiguous: bool = False


def read(here: Situation, condition: Condition | None, calendar: Calendar) -> tuple[Part, ...]:
    """Several where one sentence asks for several figures ("error rate and p99 of checkout")."""
    reading = decide(here)
    if reading.relation == "talk":
        return (_talk(here, reading),)
    first = _request(here, reading, resolve(here, reading), calendar)
    if condition is not None:
        first = _conditional(here, first, condition)
    return (*_figure_by_figure(here, first),)


def together(parts: tuple[Part, ...]) -> Understanding:
    first = parts[0]
    return Understanding(
        intent=first.intent,
        handling=first.handling,
        entities=first.entities,
        plan=first.plan,
        missing=first.missing,
        options=first.options,
        ambiguous=first.ambiguous,
        unknown_services=first.unknown,
        parts=tuple(_further(part) for part in parts[1:]),
        memory=parts[-1].memory,
    )


def _further(part: Part) -> FurtherRequest:
    return FurtherRequest(
        intent=part.intent,
        handling=part.handling,
        entities=part.entities,
        plan=part.plan,
        missing=part.missing,
        options=part.options,
        condition=part.threshold,
        condition_text=part.condition.text if part.condition else None,
    )


# --- without a plan --------------------------------------------------------------------------------


def _talk(here: Situation, reading: Reading) -> Part:
    offer = here.memory.offer
    if reading.intent.name == "affirm" and offer is not None:
        return _taken_up(here, reading, offer)
    return Part(
        intent=reading.intent,
        handling=handling(here.registry[reading.intent.name]),
        entities=here.clause.entities,
        plan=None,
        missing=(),
        options=(),
        unknown=(),
        memory=after_talk(here.memory, reading.intent.name),
    )


def _taken_up(here: Situation, reading: Reading, offer: Offer) -> Part:
    """A yes carries the offered plan, with whatever the text adds to it ("yes, for yesterday")."""
    said = stated(here.clause, offer.plan.intent, here.catalogue)
    known = here.memory.frames[0].entities if here.memory.frames else ()
    frame = Frame(plan=offer.plan, entities=known)
    whole = merged(said, frame, types_of(frame) - said.types, form=True)
    return Part(
        intent=reading.intent,
        handling=Handling(handler=offer.kind, permission=offer.permission),
        entities=here.clause.entities,
        plan=whole.plan,
        missing=(),
        options=(),
        unknown=(),
        memory=after_yes(here.memory, whole.plan, Frame(plan=whole.plan, entities=whole.entities)),
    )


def handling(intent: IntentDefinition) -> Handling:
    return Handling(
        handler=intent.handler, permission=intent.permission, template=intent.template, workflow=intent.workflow
    )


# --- with a plan -----------------------------------------------------------------------------------


def _request(here: Situation, reading: Reading, resolved: Resolved, calendar: Calendar) -> Part:
    intent = here.registry[reading.intent.name]
    as_said = _implied(resolved.plan, here)
    lacks = _needs(here, intent, as_said, resolved)
    plan = with_defaults(as_said, calendar)
    frame = Frame(plan=as_said, entities=resolved.entities, everything=resolved.everything)
    return Part(
        intent=reading.intent,
        handling=handling(intent),
        entities=resolved.entities,
        plan=plan,
        missing=lacks.missing,
        options=lacks.options,
        unknown=resolved.unknown if "service" in lacks.missing else (),
        ambiguous=bool(resolved.choices),
        memory=after_request(here.memory, plan, frame, lacks.missing, lacks.options),
    )


def _needs(here: Situation, intent: IntentDefinition, plan: Plan, resolved: Resolved) -> Needs:
    asked = resolved.unknown and intent.name not in IN_WORDS
    near = resolved.unknown[0].near if asked else None
    return needs(
        intent,
        plan,
        here.clause.bare,
        here.catalogue,
        everything=resolved.everything,
        choices=resolved.choices,
        near=near,
    )


def _implied(plan: Plan, here: Situation) -> Plan:
    """A percentile is one of latency; the words themselves go where a handler needs them."""
    update: dict[str, Any] = {}
    if plan.percentile is not None and plan.metric is None:
        update["metric"] = "latency"
    if plan.intent == "metric_query" and plan.metric is None and plan.percentile is None and plan.status_code:
        update["metric"] = "request_rate"  # "how many 502s": of the requests, those with this status
    if plan.intent in IN_WORDS:
        update["slots"] = {"text": here.clause.text.strip(), **_symptom(plan, here), **plan.slots}
    return plan.model_copy(update=update) if update else plan


def _symptom(plan: Plan, here: Situation) -> dict[str, str]:
    """What is wrong, in the words of the text; the next messages about it need not say it again."""
    wants = any("symptom" in group for group in here.registry[plan.intent].required)
    return {"symptom": here.clause.text.strip()} if wants and symptom(plan, here.clause.bare) else {}


def with_defaults(plan: Plan, calendar: Calendar) -> Plan:
    update: dict[str, Any] = {}
    if plan.metric == "latency" and plan.percentile is None and plan.aggregation is None:
        update["percentile"] = DEFAULT_PERCENTILE
    if plan.range is None and plan.intent in LAST_HOUR:
        window = last_hour(calendar)
        update["range"] = TimeRange(start=window.start, end=window.end)
    return plan.model_copy(update=update) if update else plan


def _conditional(here: Situation, part: Part, condition: Condition) -> Part:
    """ "If so" is the threshold that the request before asked for."""
    asked = here.memory.plan.threshold if here.memory.plan is not None else None
    so = says_so(condition)
    threshold = condition.threshold
    if so is not None and asked is not None:
        threshold = asked if so else flipped(asked)
    entities = (*part.entities, *condition.clause.entities)
    return replace(part, condition=condition, threshold=threshold, entities=entities)


def _figure_by_figure(here: Situation, first: Part) -> Iterator[Part]:
    """A plan holds one figure; each further one that the text names is a request of its own."""
    plan, asked = first.plan, _figures(here)
    if plan is None or plan.intent != "metric_query" or len(asked) < 2:
        yield first
        return
    others = tuple(entity for entity in first.entities if entity.type not in ("metric", "percentile"))
    for at, (metric, percentile, entity) in enumerate(asked):
        measured = plan.model_copy(update={"metric": metric, "percentile": percentile})
        named = tuple(sorted((entity, *others), key=lambda one: (one.start, one.end)))
        yield replace(first, plan=measured, entities=first.entities if at == 0 else named)


def _figures(here: Situation) -> list[tuple[str, float | None, Entity]]:
    """(metric, percentile, the entity that names it), the first one being the plan's."""
    found = here.clause.found
    by_start = {entity.start: entity for entity in here.clause.entities}
    asked: list[tuple[str, float | None, Entity]] = [
        (part.value, None, by_start[part.start])
        for part in found.metrics
        if part.stated and not (part.value in LATENCIES and found.percentiles)
    ]
    latency = next((part.value for part in found.metrics if part.value in LATENCIES), "latency")
    for part in found.percentiles:
        asked.append((latency, part.ratio, by_start[part.start]))
    asked.sort(key=lambda one: one[2].start)
    return list(
        {(metric, percentile): (metric, percentile, entity) for metric, percentile, entity in asked}.values()
    )
