"""Several requests of one message: in their order, each under its condition."""

from __future__ import annotations

import operator
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from actors.conversation import answers
from actors.conversation.handlers.request import Handle, Request, Said
from schemas.adapters import EvidenceResult
from schemas.context import Offer
from schemas.nlp import FurtherRequest, Understanding
from schemas.plans import Operator, Threshold

_HOLDS: dict[Operator, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
Respond = Callable[[Request], Awaitable[Said]]


@dataclass(frozen=True, slots=True)
class _Verdict:
    verdict: answers.Verdict
    value: str | None = None


async def in_order(request: Request, one: Handle) -> Said:
    """`one` answers a single request. What is asked back stops the rest: that would build on it."""
    said = await one(alone(request, request.meaning))
    for part in request.meaning.parts:
        said = _joined(said, await _next(request, part, said, one))
    return said


def alone(request: Request, meaning: Understanding) -> Request:
    return replace(request, meaning=meaning.model_copy(update={"parts": ()}))


async def _next(request: Request, part: FurtherRequest, before: Said, one: Handle) -> Said:
    found = _judged(part, before)
    if found is None:
        return await one(_request(request, part))
    line = answers.condition_line(
        found.verdict,
        answers.in_words(part.intent.name),
        threshold=part.condition,
        condition=part.condition_text,
        value=found.value,
    )
    if found.verdict == "met":
        carried_out = await one(_request(request, part))
        return replace(carried_out, content=f"{line}\n\n{carried_out.content}")
    return Said(line, offer=_offer(part, line) if found.verdict == "not_judged" else None)


def _judged(part: FurtherRequest, before: Said) -> _Verdict | None:
    """None where nothing stands in the way."""
    if before.clarification is not None:
        return _Verdict("waiting")
    if part.condition_text is None:
        return None
    if part.condition is None:
        return _Verdict("not_judged")
    measured = figure(before)
    if measured is None:
        return _Verdict("unknown")
    met = holds(part.condition, float(measured.value) / answers.told_per_seconds(measured.unit))
    return _Verdict("met" if met else "not_met", answers.figure_of(measured))


def figure(said: Said) -> EvidenceResult | None:
    """The figure that an answer is about: the first single value of its evidence."""
    results = (item.result for item in said.evidence)
    return next((one for one in results if one.kind == "scalar" and isinstance(one.value, int | float)), None)


def holds(threshold: Threshold, value: float) -> bool:
    return _HOLDS[threshold.operator](value, threshold.value)


def _request(request: Request, part: FurtherRequest) -> Request:
    meaning = Understanding(
        intent=part.intent,
        handling=part.handling,
        entities=part.entities,
        plan=part.plan,
        missing=part.missing,
        options=part.options,
        memory=request.meaning.memory,
    )
    return replace(request, meaning=meaning)


def _offer(part: FurtherRequest, text: str) -> Offer | None:
    if part.plan is None or part.missing:
        return None
    return Offer(kind=part.handling.handler, plan=part.plan, text=text, permission=part.handling.permission)


def _joined(first: Said, second: Said) -> Said:
    return Said(
        content=f"{first.content}\n\n{second.content}",
        evidence=(*first.evidence, *second.evidence),
        offer=second.offer or first.offer,
        shown=second.shown or first.shown,
        actions=(*first.actions, *second.actions),
        suggestions=tuple(dict.fromkeys((*first.suggestions, *second.suggestions))),
        degraded=tuple(dict.fromkeys((*first.degraded, *second.degraded))),
        clarification=first.clarification or second.clarification,
    )
