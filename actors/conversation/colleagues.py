"""What a turn asks the other pools, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel

from actors.platform.bus import Bus
from schemas.adapters import Action, Command, Degraded, Evidence
from schemas.identity import Identity
from schemas.nlp import Understanding, Utterance
from schemas.subjects import ACT, UNDERSTAND

AsksT = TypeVar("AsksT", bound=BaseModel)
AnswersT = TypeVar("AnswersT", bound=BaseModel)
PATIENCE_SECONDS = 8.0  # an actor that was killed is back well before


@dataclass(frozen=True, slots=True)
class Answer(Generic[AnswersT]):
    output: AnswersT
    evidence: tuple[Evidence, ...]
    degraded: tuple[Degraded, ...]


class Colleagues:
    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def understand(self, utterance: Utterance) -> Understanding:
        return await self._bus.request(UNDERSTAND, utterance, patience=PATIENCE_SECONDS)

    async def act(self, action: Action[AsksT, AnswersT], question: AsksT, identity: Identity) -> Answer[AnswersT]:
        """Runs an action of the adapters for this caller. A repeated call of a `pure` one is harmless."""
        outcome = await self._bus.request(
            ACT,
            Command(identity=identity, input=question.model_dump(mode="json")),
            seconds=action.deadline_seconds,
            patience=PATIENCE_SECONDS,
            once=action.effect not in ("pure", "keyed"),
            module=action.module,
            action=action.name,
        )
        output = action.answers.model_validate(outcome.output)
        return Answer(output, outcome.evidence, outcome.degraded)
