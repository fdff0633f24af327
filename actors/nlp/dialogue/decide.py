"""The order in which a message is read: what it answers, what it corrects, what it goes on with, what it asks."""

from __future__ import annotations

from actors.nlp.classifier import OUT_OF_SCOPE
from actors.nlp.dialogue.following import correction, ellipsis, loosely, repeats, returns
from actors.nlp.dialogue.reading import GUESS, LIKELY, PROBABLE, Reading, Situation, by_ranking, by_rule
from actors.nlp.dialogue.replies import answer, yes_or_no
from schemas.nlp import Intent

TALK = frozenset({"help", "affirm", "deny", "out_of_scope"})
"""Intents that leave the plan in hand alone."""
RULES = (yes_or_no, repeats, returns, correction, answer, ellipsis)


def decide(here: Situation) -> Reading:
    """The first rule that knows; the classifier's word where none does."""
    for rule in RULES:
        reading = rule(here)
        if reading is not None:
            return reading
    return _asked(here)


def _asked(here: Situation) -> Reading:
    intent = _intent(here)
    if intent.name == OUT_OF_SCOPE:
        intent = _unmistakable(here) or intent
    if intent.name == OUT_OF_SCOPE:
        tied = loosely(here)
        if tied is not None:
            return tied
    if intent.name in TALK:
        return Reading(intent, "talk")
    tied = here.signs.refers or here.signs.leads or here.signs.why or here.ordinal is not None
    frame = here.memory.frames[0] if here.memory.frames else None
    return Reading(intent, "refers" if tied and frame else "new", frame)


def _intent(here: Situation) -> Intent:
    """The classifier's. Yes and no are never said of something: with a name beside it, the next best is meant."""
    ranking = here.ranking
    if ranking.name in ("affirm", "deny") and here.clause.entities:
        other = next((one for one in ranking.alternatives if one.name not in TALK), None)
        if other is not None:
            return by_rule(other.name, max(other.confidence, GUESS), ranking)
    return by_ranking(ranking)


def _unmistakable(here: Situation) -> Intent | None:
    """Bare names that can only be asked about in one way, however short."""
    clause = here.clause
    if not here.fragment:
        return None
    found = clause.found
    compared = found.comparisons or " vs " in f" {clause.bare} " or " versus " in f" {clause.bare} "
    if any(part.strong for part in found.metrics) or found.percentiles:
        return by_rule("metric_compare" if compared else "metric_query", LIKELY, here.ranking)
    if found.metrics and found.services:
        return by_rule("metric_query", PROBABLE, here.ranking)
    if found.services and clause.types <= {"service", "environment"}:
        return by_rule("service_health", GUESS, here.ranking)
    return None
