"""What was meant: intents, entities, time ranges, plans."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict

from schemas.adapters import Degraded, Usage
from schemas.context import WorkingMemory
from schemas.entities import Entity
from schemas.identity import Permission
from schemas.plans import Plan, Threshold


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


class Handling(Frozen):
    """How the registry says that an intent is answered."""

    handler: str
    permission: Permission
    template: str | None = None
    """The answer of a user's own intent."""
    workflow: str | None = None
    """The workflow that a user's own intent starts."""


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
    handling: Handling
    entities: tuple[Entity, ...] = ()
    plan: Plan | None = None
    missing: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    condition: Threshold | None = None
    condition_text: str | None = None
    """The condition as the text has it."""


class Understanding(Frozen):
    intent: Intent
    handling: Handling
    entities: tuple[Entity, ...] = ()
    plan: Plan | None = None
    missing: tuple[str, ...] = ()
    """Slots the intent needs and the text does not give: asked back."""
    options: tuple[str, ...] = ()
    """What could fill the first missing slot."""
    ambiguous: bool = False
    """`options` are names that one of the text fits equally well."""
    unknown_services: tuple[UnknownService, ...] = ()
    parts: tuple[FurtherRequest, ...] = ()
    memory: WorkingMemory = WorkingMemory()
    """What the conversation has in hand after this message; the answer adds what it offers and what it shows."""
    degraded: tuple[Degraded, ...] = ()
    usage: Usage | None = None
    """Of the language model that was asked, if one was."""


__all__ = [
    "Alternative",
    "Entity",
    "FurtherRequest",
    "Handling",
    "Intent",
    "Understanding",
    "UnknownService",
    "Utterance",
]
