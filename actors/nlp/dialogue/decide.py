"""The order in which a message is read: what it answers, what it corrects, what it goes on with, what it asks."""

from __future__ import annotations

from collections.abc import Set

from actors.nlp.classifier import OUT_OF_SCOPE
from actors.nlp.dialogue.bare_names import names_alone
from actors.nlp.dialogue.following import correction, ellipsis, loosely, repeats, returns
from actors.nlp.dialogue.merging import types_of
from actors.nlp.dialogue.reading import GUESS, LIKELY, Reading, Situation, by_ranking, by_rule
from actors.nlp.dialogue.replies import answer, yes_or_no
from actors.nlp.needs import takes
from actors.nlp.openings import requests
from schemas.nlp import Intent

TALK = frozenset({"help", "affirm", "deny", "out_of_scope"})
"""Intents that leave the plan in hand alone."""
RULES = (yes_or_no, repeats, returns, correction, answer, ellipsis)
LIKELY_IN_CONTEXT = 0.1
LIKELY_OF_ITS_KIND = 0.02
"""From this probability on a refused message is what it would be in scope, if it speaks of the thing in hand."""
MOST_WORDS = 12
BARE_WHY = 4
"""Words."""
WHY = frozenset({"test_execute", "alert_query"})
"""Questions whose own "why" is answered by themselves."""
FEW_WORDS = 5
HOW_IT_IS = {"workflow": "workflow_status", "incident_id": "incident_query"}
SURE_YES = 0.7


def decide(here: Situation) -> Reading:
    """The first rule that knows; the classifier's word where none does."""
    for rule in RULES:
        reading = rule(here)
        if reading is not None:
            return reading
    return _asked(here)


def _asked(here: Situation) -> Reading:
    intent = names_alone(here) or _intent(here)
    if intent.name == OUT_OF_SCOPE:
        tied = loosely(here)
        if tied is not None:
            return tied
        intent = _in_context(here) or intent
    if intent.name in TALK:
        return Reading(intent, "talk")
    tied = here.signs.refers or here.signs.leads or here.signs.why or here.ordinal is not None
    frame = here.memory.frames[0] if here.memory.frames else None
    return Reading(intent, "refers" if tied and frame else "new", frame)


def _intent(here: Situation) -> Intent:
    """The classifier's, but a bare "why?" is about the last answer, and yes and no are never said of something:
    with a name beside it, or with nothing that could be answered, the next best is meant."""
    ranking = here.ranking
    if here.signs.why and len(here.clause.words) <= BARE_WHY and not here.clause.entities:
        latest = here.memory.frames[0].plan.intent if here.memory.frames else ""
        return by_rule(latest if latest in WHY else "root_cause", LIKELY, ranking)
    if ranking.name in ("affirm", "deny"):
        asked = here.memory.offer is not None or here.memory.question is not None
        named = bool(here.clause.entities) or here.ordinal is not None
        if named or not (asked or ranking.confidence >= SURE_YES):
            others = [one for one in ranking.alternatives if one.name not in TALK]
            best = others[0].name if named and others else OUT_OF_SCOPE
            return by_rule(best, GUESS, ranking)
    return by_ranking(ranking)


def _in_context(here: Situation) -> Intent | None:
    """A short message about the thing in hand ("how far is it?" after a workflow was started)."""
    frames, ranking = here.memory.frames, here.ranking
    tied = here.signs.refers or here.ordinal is not None
    if ranking.in_scope or not frames or not tied or len(here.clause.words) > MOST_WORDS:
        return None
    spoken_of = types_of(frames[0]) & {"service", "workflow", "incident_id", "test_target", "trace_id"}
    if here.memory.shown is not None and here.ordinal is not None:
        spoken_of |= {here.memory.shown.type}
    group = here.registry[frames[0].plan.intent].group
    likely = (
        one
        for one in ranking.alternatives
        if one.name not in TALK
        and one.confidence >= (LIKELY_OF_ITS_KIND if here.registry[one.name].group == group else LIKELY_IN_CONTEXT)
    )
    best = next((one for one in likely if takes(here.registry[one.name]) & spoken_of), None)
    if best is not None:
        return by_rule(best.name, GUESS, ranking)
    return _how_it_is(here, spoken_of)


def _how_it_is(here: Situation, spoken_of: Set[str]) -> Intent | None:
    """A few words that ask how a thing in hand is ("how far is it?")."""
    name = next((HOW_IT_IS[kind] for kind in HOW_IT_IS if kind in spoken_of), None)
    few = len(here.clause.words) <= FEW_WORDS and requests(here.clause.bare)
    return by_rule(name, GUESS, here.ranking) if name is not None and few else None
