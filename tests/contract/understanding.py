"""A double of understanding: knows the error rate of payment, goes on with it, and asks back without a service."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from schemas.entities import Entity
from schemas.nlp import FurtherRequest, Handling, Intent, Understanding, Utterance
from schemas.plans import Plan, Threshold, TimeRange

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
RANGE = TimeRange(start=datetime(2026, 1, 2, 11, tzinfo=UTC), end=AT)
INTENT = Intent(name="metric_query", confidence=0.97)
MEASURED = Handling(handler="metric_query", permission="telemetry.read")
REFUSED = Understanding(
    intent=Intent(name="out_of_scope", confidence=0.9),
    handling=Handling(handler="out_of_scope", permission="chat"),
)
PLAN = Plan(intent="metric_query", service="payment", metric="error_rate", range=RANGE)


def understood(utterance: Utterance) -> Understanding:
    text, known = utterance.text, utterance.memory.plan
    if "error rate" not in text and (known is None or not text.startswith("and ")):
        return REFUSED
    service = re.search("payment", text)
    supplied = known is not None and service is None
    missing = () if service or supplied else ("service",)
    plan = PLAN.model_copy(update={"course": "hour by hour" in text})
    entities = tuple(
        one
        for one in (
            _found("metric", "error_rate", text, "error rate"),
            _found("service", "payment", text, "payment"),
            Entity(type="service", value="payment", text="", start=0, end=0, resolved_from="history")
            if supplied
            else None,
        )
        if one is not None
    )
    return Understanding(
        intent=INTENT,
        handling=MEASURED,
        entities=entities,
        plan=plan.model_copy(update={"service": None}) if missing else plan,
        missing=missing,
        options=("payment",) if missing else (),
        parts=_parts(text),
    )


def _found(kind: str, value: str, text: str, words: str) -> Entity | None:
    at = text.find(words)
    return Entity(type=kind, value=value, text=words, start=at, end=at + len(words)) if at >= 0 else None


def _parts(text: str) -> tuple[FurtherRequest, ...]:
    condition = re.search(r"open an incident if (.*)", text)
    if condition is None:
        return ()
    return (
        FurtherRequest(
            intent=Intent(name="incident_create", confidence=0.9),
            handling=Handling(handler="incident_create", permission="incidents.write"),
            condition=Threshold(operator=">", value=0.02, text="2%"),
            condition_text=condition[1],
        ),
    )
