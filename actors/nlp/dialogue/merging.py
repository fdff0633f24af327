"""A request that goes on with an earlier one: what it keeps of it."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Any

from actors.nlp.stated import Stated, services_of, with_services
from schemas.context import Frame
from schemas.entities import Entity
from schemas.plans import Plan

LATENCIES = frozenset({"latency", "ttft"})
"""Metrics that have percentiles."""
FIELDS: dict[str, str] = {
    "metric": "metric",
    "percentile": "percentile",
    "aggregation": "aggregation",
    "threshold": "threshold",
    "time_range": "range",
    "environment": "environment",
    "version": "version",
    "status_code": "status_code",
    "endpoint": "endpoint",
    "namespace": "namespace",
    "host": "host",
    "pod": "pod",
    "log_level": "log_level",
    "pattern": "pattern",
    "trace_id": "trace_id",
}
"""Entity type -> field of a plan. Services, comparisons and the slots have rules of their own."""
FORM = ("group_by", "top", "per_seconds", "course", "horizon_seconds")
PLACES = frozenset({"service", "host", "pod", "endpoint", "trace_id"})
"""Naming one of them anew leaves the narrower ones of the former behind."""


@dataclass(frozen=True, slots=True)
class Merged:
    plan: Plan
    entities: tuple[Entity, ...]
    """What the conversation supplies, then what the text states."""
    everything: bool


def types_of(frame: Frame) -> frozenset[str]:
    """The entity types that a frame has values for, said or meant."""
    plan = frame.plan
    types = {kind for kind, field in FIELDS.items() if getattr(plan, field) is not None}
    types |= {entity.type for entity in frame.entities} | (set(plan.slots) - {"services"})
    if services_of(plan):
        types.add("service")
    if plan.comparison is not None:
        types.add("comparison" if plan.comparison.kind == "time" else plan.comparison.kind)
    return frozenset(types)


def displaced(said: Stated, frame: Frame) -> frozenset[str]:
    """Types that the new values leave no room for: a new metric has no use for the old percentile."""
    types, gone = said.types, set[str]()
    if said.plan.metric is not None:
        gone |= {"aggregation", "threshold", "status_code"}
        gone |= set[str]() if said.plan.metric in LATENCIES else {"percentile"}
    if "percentile" in types:
        gone |= {"aggregation"} | ({"metric"} if frame.plan.metric not in LATENCIES else set[str]())
    if "aggregation" in types:
        gone.add("percentile")
    if said.everything:
        gone |= PLACES
    for kind in PLACES & types:
        gone |= PLACES - {kind, "service"} | ({"version", "incident_id"} if kind == "service" else set[str]())
    if types & {"host", "trace_id"}:
        gone.add("service")
    if "incident_id" in types:
        gone |= {"severity", "person", "service", "time_range"}
    if "workflow" in types:
        gone.add("quantity")
    return frozenset(gone)


def merged(
    said: Stated,
    frame: Frame,
    kept: Set[str],
    *,
    form: bool,
    untold: Set[str] = frozenset(),
    same_message: bool = False,
) -> Merged:
    """`kept` are the types that come from the frame; with `form` its grouping, course and the like come too. What
    is `untold` fills the plan and is not told as an entity; what the `same_message` says a few words before is
    no history."""
    from_text = said.types | ({"metric"} if said.plan.metric is not None else set[str]())
    history = tuple(
        entity if same_message and entity.text else as_history(entity)
        for entity in frame.entities
        if entity.type in kept - untold - from_text
    )
    plan = _with_kept(said.plan, frame.plan, kept)
    if form:
        plan = _with_form(plan, frame.plan)
    everything = said.everything or (
        frame.everything and "service" not in from_text and not services_of(plan) and form
    )
    return Merged(plan, (*history, *said.entities), everything)


def as_history(entity: Entity) -> Entity:
    """Supplied by the conversation: it has no place in this text."""
    return entity.model_copy(update={"text": "", "start": 0, "end": 0, "resolved_from": "history"})


def _with_kept(plan: Plan, before: Plan, kept: Set[str]) -> Plan:
    update: dict[str, Any] = {
        field: getattr(before, field)
        for kind, field in FIELDS.items()
        if kind in kept and getattr(plan, field) is None
    }
    slots = {kind: value for kind, value in before.slots.items() if kind in kept}
    update["slots"] = {**slots, **plan.slots}
    compared = before.comparison
    if plan.comparison is None and compared is not None and compared.kind != "service":
        kind = "comparison" if compared.kind == "time" else compared.kind
        if kind in kept:
            update["comparison"] = compared
    plan = plan.model_copy(update=update)
    if "service" in kept and not services_of(plan):
        plan = with_services(plan, services_of(before))
    return plan


def _with_form(plan: Plan, before: Plan) -> Plan:
    update: dict[str, Any] = {field: getattr(before, field) for field in FORM if not getattr(plan, field)}
    if "top" in update:
        update["lowest"] = before.lowest
    if plan.service and "service" in before.group_by and "group_by" in update:
        # One service out of the ranking of all: there is nothing to group any more.
        update["group_by"] = tuple(kind for kind in before.group_by if kind != "service")
        update["top"] = None if not update["group_by"] else update.get("top")
    return plan.model_copy(update=update)


def without(frame: Frame, types: Iterable[str]) -> Frame:
    """The frame with these types forgotten."""
    gone = frozenset(types)
    update: dict[str, Any] = {field: None for kind, field in FIELDS.items() if kind in gone}
    update["slots"] = {kind: value for kind, value in frame.plan.slots.items() if kind not in gone}
    plan = frame.plan.model_copy(update=update)
    if "service" in gone:
        plan = with_services(plan, ())
    return frame.model_copy(
        update={"plan": plan, "entities": tuple(entity for entity in frame.entities if entity.type not in gone)}
    )
