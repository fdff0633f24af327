"""Yes, no, and answers to what was asked back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from actors.nlp.dialogue.reading import CERTAIN, LIKELY, PROBABLE, Reading, Situation, by_rule
from actors.nlp.dialogue.signs import left_over
from actors.nlp.dialogue.words import WORDS
from actors.nlp.needs import SIDES
from actors.nlp.openings import ORDERS, requests
from schemas.context import OpenQuestion

LONGEST = 16
"""Words of a yes or no."""
FREE = frozenset({"symptom", "title", "pattern", "test_target", "workflow", "version", "quantity", "incident_id"})
"""Slots whose answer may be any words."""
FREE_WORDS = 40
_GO_AHEAD = frozenset(
    {("go", "ahead"), ("do", "it"), ("do", "that"), ("please", "do"), ("of", "course"), ("sounds", "good")}
    | {("go", "on"), ("why", "not"), ("good", "idea"), ("all", "right"), ("fine", "by"), ("you", "bet")}
)
_LATER = frozenset({("maybe", "later"), ("not", "now"), ("never", "mind"), ("no", "need"), ("forget", "it")})
_WHEN_AND_WHERE = frozenset({"time_range", "environment"})
_WHY_NOT = frozenset({("why", "not")})
_ASKING = frozenset({"is", "are", "can", "will", "would", "what", "how", "which", "who"})


def yes_or_no(here: Situation) -> Reading | None:
    """A message that names something is never one: it is a correction or an answer of its own."""
    words = here.clause.found.words
    if not words or len(words) > LONGEST or words[0] in _ASKING or not _says_nothing_else(here):
        return None
    question, offer = here.memory.question, here.memory.offer
    offered = frozenset(offer.text.lower().replace("?", " ").split()) if offer else frozenset[str]()
    plain = WORDS["yes"] | WORDS["no"] | WORDS["beside_yes_and_no"] | {"maybe", "why", "idea"}
    if offer is not None and words[0] in WORDS["yes"]:
        plain |= ORDERS  # "ok, investigate"
    beside = words if not here.clause.entities else here.clause.words
    if not all(word in plain or word in offered for word in beside):
        return None
    no = not WORDS["no"].isdisjoint(words) or _has(words, _LATER)
    yes = not WORDS["yes"].isdisjoint(words) or _has(words, _GO_AHEAD) or bool(_taken_up(words, offered))
    level = CERTAIN if offer is not None or len(words) <= 3 else LIKELY
    if no and not _has(words, _WHY_NOT):
        return Reading(by_rule("deny", level, here.ranking), "talk")
    if not yes:
        return None
    if question is not None and len(question.options) == 1 and offer is None:
        return _answer(here, question, picked=(question.options[0],))
    return Reading(by_rule("affirm", level, here.ranking), "talk")


def _says_nothing_else(here: Situation) -> bool:
    """It names nothing, or only when and where what was offered is to be done ("yes, for yesterday")."""
    named = {entity.type for entity in here.clause.entities if entity.text.lower() != "now"}
    taken_up = here.memory.offer is not None and here.clause.found.words[0] in WORDS["yes"]
    return not named or (taken_up and named <= _WHEN_AND_WHERE and here.fragment and not here.signs.leads)


def _has(words: tuple[str, ...], phrases: frozenset[tuple[str, str]]) -> bool:
    return any(pair in phrases for pair in pairwise(words))


def _taken_up(words: tuple[str, ...], offered: frozenset[str]) -> set[str]:
    """Words of the offer itself: "investigate them"."""
    common = WORDS["beside_yes_and_no"] | WORDS["glue"]
    return {word for word in words if word in offered and word not in common} | (
        {"investigate"} & set(words) & offered
    )


def answer(here: Situation) -> Reading | None:
    """What was asked back is answered: by name, by place in the options, by "all", or in free words."""
    question = here.memory.question
    if question is None:
        return None
    return _placed(here, question) or _named(here, question)


def _placed(here: Situation, question: OpenQuestion) -> Reading | None:
    """ "The first", "all of them"."""
    place = here.ordinal
    if place is None or here.beyond_place:
        return None
    if place.kind in ("all", "any") and question.missing[0] == "service":
        return replace(_answer(here, question), everything=True)
    names = place.of(question.options)
    return _answer(here, question, picked=names) if names else None


def _named(here: Situation, question: OpenQuestion) -> Reading | None:
    slot = question.missing[0]
    if here.fragment and here.clause.types & _answering(slot):
        return _answer(here, question)
    chosen = _option_named(here, question)
    if chosen:
        return _answer(here, question, picked=(chosen,))
    return _answer(here, question, free=True) if _free(here, slot) else None


def _answering(slot: str) -> frozenset[str]:
    """The entity types that fill a slot."""
    types = SIDES.get(slot, frozenset[str]()) | {slot}
    return types | {"percentile"} if slot == "metric" else types


def _option_named(here: Situation, question: OpenQuestion) -> str | None:
    """An option that the text repeats in part: "the error rate", "staging one"."""
    said = set(here.clause.found.words)
    fitting = [name for name in question.options if set(name.lower().replace("_", " ").split()) <= said]
    return fitting[0] if len(fitting) == 1 and here.fragment else None


def _free(here: Situation, slot: str) -> bool:
    clause = here.clause
    words = clause.found.words
    if not words or len(words) > FREE_WORDS or requests(clause.bare) or here.signs.returns:
        return False
    if slot in FREE:
        return True
    # A name that nobody knows is still the answer to "which service?".
    return slot == "service" and len(words) <= 3 and not clause.entities and bool(left_over(clause))


def _answer(
    here: Situation, question: OpenQuestion, picked: tuple[str, ...] = (), *, free: bool = False
) -> Reading:
    name = question.frame.plan.intent
    slot = question.missing[0]
    if slot == "intent" and picked:
        name = picked[0]
        frame = question.frame.model_copy(update={"plan": question.frame.plan.model_copy(update={"intent": name})})
        return Reading(by_rule(name, LIKELY, here.ranking), "continues", frame, answers=True)
    return Reading(
        by_rule(name, PROBABLE if free else LIKELY, here.ranking),
        "continues",
        question.frame,
        picked=tuple((slot, name) for name in picked),
        answers=True,
    )
