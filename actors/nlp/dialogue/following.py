"""Messages that go on with an earlier request: corrections, ellipsis, "again", "back to …"."""

from __future__ import annotations

from collections.abc import Set

from actors.nlp.cues import cues
from actors.nlp.dialogue.merging import types_of
from actors.nlp.dialogue.reading import LIKELY, PROBABLE, Reading, Situation, by_ranking, by_rule
from actors.nlp.dialogue.signs import left_over
from actors.nlp.dialogue.words import NOUNS
from actors.nlp.needs import needs, takes
from actors.nlp.registry import IntentDefinition
from actors.nlp.stated import services_of, stated
from schemas.context import Frame

ELSEWHERE: dict[str, str] = {
    "comparison": "metric_compare",
    "metric": "metric_query",
    "percentile": "metric_query",
    "aggregation": "metric_query",
    "log_level": "log_query",
    "trace_id": "trace_query",
    "incident_id": "incident_query",
}
"""Which question a value belongs to that the earlier one has no use for: "and the p99?" after "is it healthy?"."""
ONCE = frozenset(
    {"incident_create", "deploy", "scale", "rollback", "workflow_start", "runbook_execute", "remember"}
)
"""What is done once: with everything given, other values are a wish of their own, not a change of the old one."""
SURE = 0.6
_CORRECTING = frozenset(
    {"wrong", "correction", "scratch", "bad", "mistake", "typo", "hold", "oops", "ups", "whoops"}
)
_RETURNING = frozenset(
    {"back", "go", "going", "come", "coming", "get", "getting", "return", "returning", "switch"}
)


def repeats(here: Situation) -> Reading | None:
    """ "Again"."""
    if not here.signs.repeats or not here.memory.frames or here.clause.entities:
        return None
    return _continues(here, here.memory.frames[0], LIKELY)


def returns(here: Situation) -> Reading | None:
    """ "Back to checkout": the last request about it."""
    if not here.signs.returns or not here.memory.frames:
        return None
    beyond = [word for word in left_over(here.clause) if word not in _RETURNING]
    frame = _about(here) or here.memory.frames[0]
    if beyond and here.ranking.in_scope and here.ranking.confidence >= SURE:
        same = next((one for one in here.memory.frames if one.plan.intent == here.ranking.name), None)
        if same is not None and not here.clause.entities:
            return _continues(here, same, LIKELY)
        return Reading(by_ranking(here.ranking), "refers", frame)
    return _continues(here, frame, LIKELY)


def _about(here: Situation) -> Frame | None:
    """The latest request that has what the text names; one before the last, where there is one."""
    said = stated(here.clause, "metric_query", here.catalogue)
    wanted = set(services_of(said.plan))
    values = {(entity.type, entity.value) for entity in said.entities if entity.type != "service"}
    fitting = [
        frame
        for frame in here.memory.frames
        if wanted <= set(services_of(frame.plan))
        and values <= {(entity.type, entity.value) for entity in frame.entities}
    ]
    return fitting[0] if fitting and (wanted or values) else None


def correction(here: Situation) -> Reading | None:
    """ "No, I meant orders": the same request with another value. With a verb or noun of its own it is another
    request about the same thing ("no, the logs")."""
    if not here.signs.corrects or not here.memory.frames or not _says(here):
        return None
    beyond = [
        word
        for word in left_over(here.clause)
        if word not in _CORRECTING and word not in NOUNS and not word.isdigit()
    ]
    frame = here.memory.question.frame if here.memory.question else here.memory.frames[0]
    if not beyond:
        return _following(here, frame, LIKELY)
    return None


def ellipsis(here: Situation) -> Reading | None:
    """Only names and small words: "and the p99?", "for orders too", "yesterday", "by endpoint"."""
    if not here.memory.frames or not here.fragment or not _says(here):
        return None
    if not here.signs.leads and _complete(here):
        return None
    return _following(here, here.memory.frames[0], LIKELY if here.signs.leads else PROBABLE)


def loosely(here: Situation) -> Reading | None:
    """What no intent fits, although it is tied to what was said before and names something of its kind."""
    frames = here.memory.frames
    tied = here.signs.leads or here.signs.refers
    if here.ranking.in_scope or not frames or not tied or not here.clause.entities:
        return None
    known = takes(_definition(here, frames[0]))
    return _continues(here, frames[0], PROBABLE) if here.clause.types <= known else None


def _says(here: Situation) -> bool:
    clause = here.clause
    form = cues(clause.counted, clause.text.lower(), clause.found.quantities)
    named = bool(clause.entities or clause.found.services or clause.found.metrics)
    pointed = here.ordinal is not None or clause.number is not None
    return named or form.given or pointed or here.signs.now or clause.found.everything


def _following(here: Situation, frame: Frame, level: float) -> Reading | None:
    """The request that goes on with `frame`, or with an older one that has a use for the new values."""
    types = here.clause.types
    if _fits(here, frame, types):
        done = frame.plan.intent in ONCE and here.memory.question is None and not here.signs.corrects
        sure = here.ranking.in_scope and here.ranking.confidence >= SURE
        if done and sure and not here.signs.leads:
            return Reading(by_ranking(here.ranking), "refers", frame)
        return _continues(here, frame, level)
    if _definition(here, frame).group == "telemetry":
        other = next((ELSEWHERE[kind] for kind in ELSEWHERE if kind in types), None)
        if other is not None:
            return Reading(by_rule(other, level, here.ranking), "refers", frame)
    older = next((one for one in here.memory.frames[1:] if _fits(here, one, types)), None)
    return _continues(here, older, PROBABLE) if older is not None else None


def _fits(here: Situation, frame: Frame, types: Set[str]) -> bool:
    """The frame's intent has a use for all of the types, or has a value of them already."""
    return types <= takes(_definition(here, frame)) | types_of(frame)


def _definition(here: Situation, frame: Frame) -> IntentDefinition:
    return here.registry[frame.plan.intent]


def _complete(here: Situation) -> bool:
    """The text alone is a whole request: names all that its intent needs."""
    if not here.ranking.in_scope:
        return False
    intent = here.registry[here.ranking.name]
    said = stated(here.clause, intent.name, here.catalogue)
    if not intent.required:
        return False
    lacks = needs(
        intent,
        said.plan,
        here.clause.bare,
        here.catalogue,
        everything=said.everything,
        choices=said.choices,
        near=None,
    )
    return not [slot for slot in lacks.missing if not (slot == "metric" and "percentile" in said.types)]


def _continues(here: Situation, frame: Frame, level: float) -> Reading:
    return Reading(by_rule(frame.plan.intent, level, here.ranking), "continues", frame)
