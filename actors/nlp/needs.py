"""What an intent needs and a plan does not have: asked back, with what could be the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from actors.nlp.dialogue.words import WORDS
from actors.nlp.registry import IntentDefinition
from actors.nlp.stated import services_of
from schemas.adapters import Catalogue
from schemas.plans import Environment, Plan

METRIC_WORDS: dict[str, str] = {
    "error_rate": "error rate",
    "latency": "latency",
    "request_rate": "request rate",
}
"""What is offered when no metric is named."""
SIDES: dict[str, frozenset[str]] = {
    "sides": frozenset({"service", "version", "environment", "endpoint"}),
    "symptom": frozenset({"metric", "status_code", "pattern", "threshold"}),
}
"""Slots that are read from entities of several types."""
_SINGLE_PLACE = ("host", "pod", "namespace", "endpoint", "trace_id")
_COMMAND = WORDS["glue"] | WORDS["command"]


@dataclass(frozen=True, slots=True)
class Needs:
    missing: tuple[str, ...]
    options: tuple[str, ...]


def takes(intent: IntentDefinition) -> frozenset[str]:
    """The entity types that an intent has a use for."""
    named = {slot for group in intent.required for slot in group} | set(intent.optional)
    for slot, types in SIDES.items():
        if slot in named:
            named |= types
    return frozenset(named)


def needs(
    intent: IntentDefinition,
    plan: Plan,
    bare: str,
    catalogue: Catalogue,
    *,
    everything: bool,
    choices: tuple[str, ...],
    near: tuple[str, ...] | None,
) -> Needs:
    """`choices` are names that one of the text fits equally well; `near` those that are like one that does not
    exist, None where all exist."""
    doubtful = bool(choices) or near is not None
    missing = [
        group[0]
        for group in intent.required
        if not any(_has(slot, plan, bare, everything=everything) for slot in group)
    ]
    if doubtful and "service" not in missing:
        missing.insert(0, "service")
    if not missing:
        return Needs((), ())
    if doubtful and missing[0] == "service":
        return Needs(tuple(missing), choices or near or catalogue.services)
    return Needs(tuple(missing), options(missing[0], catalogue))


def options(slot: str, catalogue: Catalogue) -> tuple[str, ...]:
    if slot == "service":
        return catalogue.services
    if slot == "metric":
        return tuple(METRIC_WORDS.values())
    if slot == "environment":
        return catalogue.environments or get_args(Environment)
    return ()


def _has(slot: str, plan: Plan, bare: str, *, everything: bool) -> bool:
    read = {
        "service": lambda: everything or bool(services_of(plan)) or _one_place(plan),
        "sides": lambda: plan.comparison is not None,
        "comparison": lambda: plan.comparison is not None and plan.comparison.kind == "time",
        "symptom": lambda: bool(plan.slots.get("symptom")) or symptom(plan, bare),
        "title": lambda: bool(plan.slots.get("title")),
        "test_target": lambda: bool(plan.slots.get(slot)) or bool(services_of(plan)),
        "approval": lambda: True,  # how many wait is known only where they wait
    }
    if slot in read:
        return read[slot]()
    return getattr(plan, slot, None) is not None or bool(plan.slots.get(slot))


def _one_place(plan: Plan) -> bool:
    return any(getattr(plan, place) for place in _SINGLE_PLACE)


def symptom(plan: Plan, bare: str) -> bool:
    """Something is said of what is wrong, in whatever words."""
    if any(value is not None for value in (plan.metric, plan.status_code, plan.pattern, plan.threshold)):
        return True
    return any(word not in _COMMAND for word in re.findall(r"[^\W_]+", bare))
