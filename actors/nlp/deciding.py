"""Where a language model is configured, it decides about messages of which the classifier is unsure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from actors.nlp.catalogue import INTERNAL
from actors.nlp.classifier import OUT_OF_SCOPE, Candidate, Ranking
from actors.nlp.registry import Registry
from actors.platform.bus import Bus
from schemas.adapters import CHOOSE_INTENT, ChosenIntent, Command, Degraded, IntentCandidate, IntentChoice, Usage
from schemas.errors import CopilotError
from schemas.nlp import Understanding
from schemas.subjects import ACT

log = structlog.get_logger(__name__)

UNSURE = 0.6
"""A message that is taken for an intent with less than this probability is put before the model."""
PLAUSIBLE = 0.1
"""A refused message is, if its likeliest intent has at least this one."""
CHOSEN = 0.9
"""The confidence in what a model has chosen among the likeliest."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`ranking` is the classifier's where the model could not help; `degraded` says why."""

    ranking: Ranking
    usage: Usage | None = None
    degraded: Degraded | None = None


def unsure(meaning: Understanding, ranking: Ranking) -> bool:
    """Whether the classifier itself decided, and was not sure. What a rule has read stands."""
    if meaning.intent.name != ranking.name or meaning.intent.confidence != round(ranking.confidence, 4):
        return False
    if ranking.in_scope:
        return ranking.confidence < UNSURE
    return bool(ranking.alternatives) and ranking.alternatives[0].confidence >= PLAUSIBLE


async def decided(bus: Bus, registry: Registry, text: str, ranking: Ranking, context: str | None) -> Decision:
    """Never raises: whatever becomes of the model, the classifier's word is there."""
    names = tuple(dict.fromkeys((ranking.name, *(one.name for one in ranking.alternatives), OUT_OF_SCOPE)))
    candidates = tuple(IntentCandidate(name=name, description=registry[name].description) for name in names)
    asked = IntentChoice(text=text, candidates=candidates, context=context)
    try:
        chosen = await _ask(bus, asked)
    except (CopilotError, ValueError) as error:
        log.warning("nlp.model.failed", error=str(error))
        reason = error.detail if isinstance(error, CopilotError) else "the model's answer cannot be read"
        return Decision(ranking, degraded=Degraded(part="llm", reason=reason))
    return Decision(_chosen(ranking, chosen.intent, names), usage=chosen.usage)


async def _ask(bus: Bus, asked: IntentChoice) -> ChosenIntent:
    """Raises ValueError for a name that is none of the candidates."""
    outcome = await bus.request(
        ACT,
        Command(identity=INTERNAL, input=asked.model_dump(mode="json")),
        seconds=CHOOSE_INTENT.deadline_seconds,
        once=True,
        module=CHOOSE_INTENT.module,
        action=CHOOSE_INTENT.name,
    )
    chosen = ChosenIntent.model_validate(outcome.output)
    if chosen.intent not in {one.name for one in asked.candidates}:
        raise ValueError("the model's answer is none of the candidates")
    return chosen


def _chosen(ranking: Ranking, name: str, names: tuple[str, ...]) -> Ranking:
    if name == ranking.name:
        return replace(ranking, confidence=CHOSEN)
    before = {one.name: one.confidence for one in ranking.alternatives}
    others = tuple(
        Candidate(other, before.get(other, 0.0)) for other in names if other not in (name, OUT_OF_SCOPE)
    )
    return Ranking(name, CHOSEN, others[:3], in_scope=name != OUT_OF_SCOPE)
