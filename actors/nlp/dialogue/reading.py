"""How one message is to be taken: as a new request, or as going on with what was said before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from actors.nlp.classifier import Ranking
from actors.nlp.clause import Clause
from actors.nlp.dialogue.ordinals import Ordinal, is_place, ordinal
from actors.nlp.dialogue.signs import Signs, left_over, signs
from actors.nlp.registry import Registry
from schemas.adapters import Catalogue
from schemas.context import Frame, WorkingMemory
from schemas.nlp import Alternative, Intent

CERTAIN, LIKELY, PROBABLE, GUESS = 0.97, 0.9, 0.75, 0.6
"""The confidence of a rule: an estimate of how often it is right."""

Relation = Literal["new", "refers", "continues", "talk"]
"""`new` stands alone; `refers` is a request of its own that leaves something to the conversation; `continues` is
the earlier request with other values; `talk` has no plan."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the rules look at."""

    clause: Clause
    memory: WorkingMemory
    ranking: Ranking
    registry: Registry
    catalogue: Catalogue
    signs: Signs
    ordinal: Ordinal | None
    further: bool
    """There was a request before it in the same message: the latest of the memory."""

    @classmethod
    def of(
        cls,
        clause: Clause,
        memory: WorkingMemory,
        ranking: Ranking,
        registry: Registry,
        catalogue: Catalogue,
        *,
        further: bool = False,
    ) -> Situation:
        tied, place = signs(clause), ordinal(clause.counted)
        return cls(clause, memory, ranking, registry, catalogue, tied, place, further)

    @property
    def fragment(self) -> bool:
        """Names, a place in a list or a form, and nothing else that says something."""
        return self.signs.glued or (self.ordinal is not None and not self.beyond_place)

    @property
    def beyond_place(self) -> tuple[str, ...]:
        """What is said beside the names and the place in a list."""
        noun = self.ordinal.noun if self.ordinal is not None else ""
        return tuple(word for word in left_over(self.clause) if word != noun and not is_place(word))


@dataclass(frozen=True, slots=True)
class Reading:
    intent: Intent
    relation: Relation
    frame: Frame | None = None
    """What it goes on with."""
    picked: tuple[tuple[str, str], ...] = ()
    """(entity type, name) of what was pointed at in a list."""
    answers: bool = field(default=False)
    """It answers what was asked back."""
    everything: bool = False


def by_rule(name: str, confidence: float, ranking: Ranking) -> Intent:
    others = (
        *((ranking.name, ranking.confidence),),
        *((one.name, one.confidence) for one in ranking.alternatives),
    )
    rest = max(0.0, 1 - confidence)
    return Intent(
        name=name,
        confidence=round(confidence, 4),
        alternatives=tuple(
            Alternative(name=other, confidence=round(chance * rest, 4))
            for other, chance in others
            if other != name
        )[:3],
    )


def by_ranking(ranking: Ranking) -> Intent:
    return Intent(
        name=ranking.name,
        confidence=round(ranking.confidence, 4),
        alternatives=tuple(
            Alternative(name=one.name, confidence=round(one.confidence, 4)) for one in ranking.alternatives
        ),
    )
