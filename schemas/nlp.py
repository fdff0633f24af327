"""What was meant: intents, entities, time ranges, plans."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from schemas.context import WorkingMemory
from schemas.plans import Plan, Threshold, TimeRange


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Alternative(Frozen):
    name: str
    confidence: float


class Intent(Frozen):
    name: str
    confidence: float
    """Probability, 0 to 1."""
    alternatives: tuple[Alternative, ...] = ()


class Entity(Frozen):
    """Something the text names. `start` and `end` are character offsets into the text."""

    type: str
    value: str
    text: str
    start: int
    end: int
    resolved_from: Literal["history"] | None = None
    range: TimeRange | None = None


class Utterance(Frozen):
    text: str
    as_of: AwareDatetime
    timezone: str = "UTC"
    memory: WorkingMemory = WorkingMemory()


class UnknownService(Frozen):
    """A service the text names and the catalogue does not have, with near ones, best first."""

    name: str
    near: tuple[str, ...] = ()


class FurtherRequest(Frozen):
    """A second request of the same message, in the order of the text; `condition` is met by the first one's value
    or this request is not carried out ("… and open an incident if it is above 2 %")."""

    intent: Intent
    entities: tuple[Entity, ...] = ()
    plan: Plan | None = None
    missing: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    condition: Threshold | None = None
    condition_text: str | None = None
    """The condition as the text has it."""


class Understanding(Frozen):
    intent: Intent
    entities: tuple[Entity, ...] = ()
    plan: Plan | None = None
    missing: tuple[str, ...] = ()
    """Slots the intent needs and the text does not give: asked back."""
    options: tuple[str, ...] = ()
    """What could fill the first missing slot."""
    unknown_services: tuple[UnknownService, ...] = ()
    parts: tuple[FurtherRequest, ...] = ()


__all__ = ["Alternative", "Entity", "FurtherRequest", "Intent", "Understanding", "UnknownService", "Utterance"]
