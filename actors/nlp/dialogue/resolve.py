"""A reading with what the conversation supplies: the request as it stands."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from actors.nlp.dialogue.merging import Merged, merged, types_of, without
from actors.nlp.dialogue.pointing import pointed, with_picks
from actors.nlp.dialogue.reading import Reading, Situation
from actors.nlp.dialogue.replies import FREE
from actors.nlp.dialogue.signs import negated
from actors.nlp.dialogue.wanted import kept_when_continuing, kept_when_referring, may_come_from, not_told
from actors.nlp.entities.services import base_name, near
from actors.nlp.needs import METRIC_WORDS, takes
from actors.nlp.stated import Stated, services_of, stated, with_services
from schemas.context import Frame
from schemas.entities import Entity
from schemas.nlp import UnknownService
from schemas.plans import Comparison, Plan

_CALLED = re.compile(
    r"^(?:(?:it's|it is|its|the|a|one|that is|that's|called|named|use|take|run|please|for|with|of|workflow|"
    r"runbook|file|function|class|module|version|maybe|i mean|let's say)\s+)+",
    re.IGNORECASE,
)
"""What is said before a name that is the answer to a question."""
_SAME = re.compile(r"\bsame\b|\bditto\b|\blikewise\b")


@dataclass(frozen=True, slots=True)
class Resolved:
    """`plan` is as it was said, without defaults."""

    plan: Plan
    entities: tuple[Entity, ...]
    everything: bool
    choices: tuple[str, ...] = ()
    unknown: tuple[UnknownService, ...] = ()


def resolve(here: Situation, reading: Reading) -> Resolved:
    said = stated(here.clause, reading.intent.name, here.catalogue)
    said = with_picks(said, _picks(here, reading))
    said = _counted(here, reading, said)
    if reading.everything or _all_of_them(here, reading):
        said = replace(said, everything=True)
    if reading.answers:
        said = _freely(here, reading, said)
    whole = _merged(here, reading, said)
    unknown = said.unknown or _gone(here, whole.plan)
    return Resolved(whole.plan, whole.entities, whole.everything, said.choices, unknown)


def _gone(here: Situation, plan: Plan) -> tuple[UnknownService, ...]:
    """Services that were spoken of and are there no more."""
    catalogue = here.catalogue
    if not catalogue.services or catalogue.degraded:
        return ()
    gone = (name for name in services_of(plan) if name not in catalogue.services)
    return tuple(UnknownService(name=name, near=near(name, catalogue.services)) for name in gone)


def _counted(here: Situation, reading: Reading, said: Stated) -> Stated:
    """Where replicas are counted, a bare number is so many of them, and "replicas" is no metric."""
    intent = here.registry[reading.intent.name]
    if intent.group != "operations":
        return said
    entities = tuple(one for one in said.entities if (one.type, one.value) != ("metric", "replicas"))
    said = replace(said, entities=entities)
    number = here.clause.number
    wanted = "quantity" in takes(intent) and reading.relation == "continues" and "quantity" not in said.types
    if not wanted or number is None:
        return said
    at = here.clause.start + number.start()
    entity = Entity(type="quantity", value=number[0], text=number[0], start=at, end=at + len(number[0]))
    plan = said.plan.model_copy(update={"slots": {**said.plan.slots, "quantity": number[0]}})
    return replace(said, plan=plan, entities=(*said.entities, entity))


def _all_of_them(here: Situation, reading: Reading) -> bool:
    """ "And the rest?", "for all services"."""
    return reading.relation == "continues" and here.ordinal is not None and here.ordinal.kind == "any"


def _picks(here: Situation, reading: Reading) -> tuple[tuple[str, str], ...]:
    if reading.picked:
        canonical = {words: metric for metric, words in METRIC_WORDS.items()}
        return tuple((kind, canonical.get(name, name)) for kind, name in reading.picked)
    return () if reading.answers else pointed(here)


def _merged(here: Situation, reading: Reading, said: Stated) -> Merged:
    alone = Merged(said.plan, said.entities, said.everything)
    if reading.relation == "continues" and reading.frame is not None:
        frame = _corrected(here, reading.frame)
        same = _SAME.search(here.clause.bare) is not None
        kept = kept_when_continuing(here, said, frame, same=same)
        said = _beside(here, said, frame)
        return merged(said, frame, kept, form=True, same_message=here.further)
    if not here.memory.frames:
        return alone
    return _referring(here, reading, said)


def _referring(here: Situation, reading: Reading, said: Stated) -> Merged:
    """Each thing from the latest request that has it."""
    intent = here.registry[reading.intent.name]
    kept = kept_when_referring(here, said, intent)
    first = (reading.frame,) if reading.frame is not None else ()
    frames = (*first, *(frame for frame in here.memory.frames if frame not in first))
    said = _other_side(reading, said, frames)
    untold = not_told(here, said, intent)
    of_all = "service" in kept and frames[0].everything and here.ordinal is None
    whole = Merged(said.plan, said.entities, said.everything or of_all)
    for frame in frames:
        allowed = may_come_from(here, intent, frame)
        here_kept = kept & types_of(frame) & (kept if allowed is None else allowed)
        if here_kept and _about_the_same(whole, frame):
            before = replace(said, plan=whole.plan, entities=whole.entities)
            same = here.further and frame == here.memory.frames[0]
            whole = merged(before, frame, here_kept, form=False, untold=untold, same_message=same)
            kept -= here_kept
        if "service" in here_kept:
            kept -= {"time_range", "metric", "percentile"}  # they go with what was spoken of
    return whole


def _about_the_same(whole: Merged, frame: Frame) -> bool:
    """Nothing comes from what was said of another service."""
    own, its = services_of(whole.plan), services_of(frame.plan)
    return not own or not its or set(own) == set(its)


def _other_side(reading: Reading, said: Stated, frames: tuple[Frame, ...]) -> Stated:
    """ "Compare it with payment": the side that was spoken of stands first."""
    if reading.intent.name != "metric_compare" or said.plan.comparison is not None:
        return said
    own = services_of(said.plan)
    before = next((services_of(frame.plan) for frame in frames if services_of(frame.plan)), ())
    if len(own) == 1 and len(before) == 1 and own != before:
        entity = Entity(
            type="service", value=base_name(before[0]), text="", start=0, end=0, resolved_from="history"
        )
        return replace(said, plan=with_services(said.plan, (*before, *own)), entities=(entity, *said.entities))
    stage = next((frame.plan.environment for frame in frames if frame.plan.environment), None)
    if not own and said.plan.environment and stage and stage != said.plan.environment:
        sides = Comparison(kind="environment", sides=(stage, said.plan.environment))
        entity = Entity(type="environment", value=stage, text="", start=0, end=0, resolved_from="history")
        return replace(
            said,
            plan=said.plan.model_copy(update={"comparison": sides, "environment": None}),
            entities=(entity, *said.entities),
        )
    return said


def _beside(here: Situation, said: Stated, frame: Frame) -> Stated:
    """ "And orders?" after a comparison of two joins them."""
    before = services_of(frame.plan)
    own = services_of(said.plan)
    if len(before) < 2 or not own or here.signs.corrects or set(own) & set(before) or not here.signs.leads:
        return said
    supplied = tuple(
        Entity(type="service", value=base_name(name), text="", start=0, end=0, resolved_from="history")
        for name in before
    )
    return replace(said, plan=with_services(said.plan, (*before, *own)), entities=(*supplied, *said.entities))


def _corrected(here: Situation, frame: Frame) -> Frame:
    """Without what the text says is not meant ("not checkout")."""
    denied = {
        (entity.type, entity.value)
        for entity in here.clause.entities
        if negated(here.clause.message, entity.start)
    }
    held = {(entity.type, entity.value) for entity in frame.entities}
    return without(frame, {kind for kind, value in denied if (kind, value) in held})


def _freely(here: Situation, reading: Reading, said: Stated) -> Stated:
    """The answer to a question back in words that no rule knows: they are the value."""
    question = here.memory.question
    slot = question.missing[0] if question is not None else ""
    text = here.clause.text.strip(" \t\n.!?,;\"'")
    if not text or reading.picked or reading.everything:
        return said
    if slot == "service" and not services_of(said.plan) and not said.choices and not said.unknown:
        if here.clause.entities:
            return said
        return replace(said, unknown=(UnknownService(name=text, near=near(text, here.catalogue.services)),))
    if slot not in FREE or slot in said.types:
        return said
    if slot != "service" and said.unknown:
        said = replace(said, unknown=(), entities=_without_unknown(said))
    if slot in ("symptom", "title"):
        return replace(said, plan=said.plan.model_copy(update={"slots": {**said.plan.slots, slot: text}}))
    return _as_value(here, slot, text, said)


def _without_unknown(said: Stated) -> tuple[Entity, ...]:
    names = {base_name(one.name) for one in said.unknown}
    return tuple(one for one in said.entities if one.type != "service" or one.value not in names)


def _as_value(here: Situation, slot: str, text: str, said: Stated) -> Stated:
    text = _CALLED.sub("", text) or text
    start = here.clause.message.index(text, here.clause.start)
    value = text.lower().replace(" ", "-") if slot == "workflow" else text
    entity = Entity(type=slot, value=value, text=text, start=start, end=start + len(text))
    if slot in Plan.model_fields:
        plan = said.plan.model_copy(update={slot: value})
    else:
        plan = said.plan.model_copy(update={"slots": {**said.plan.slots, slot: value}})
    return replace(said, plan=plan, entities=(*said.entities, entity))
