"""What "the second one", "both" or "the other one" point at."""

from __future__ import annotations

from typing import Any

from actors.nlp.dialogue.ordinals import Ordinal
from actors.nlp.dialogue.reading import Situation
from actors.nlp.dialogue.words import NOUNS
from actors.nlp.entities.services import base_name
from actors.nlp.stated import Stated, services_of, with_services
from schemas.context import Frame, Shown
from schemas.entities import Entity

Pick = tuple[str, str]
"""Entity type and name."""


def pointed(here: Situation) -> tuple[Pick, ...]:
    """In the list that was shown last, else among the sides of the last comparison."""
    place = here.ordinal
    if place is None or place.kind == "any" or here.clause.types & {"service", "incident_id", "workflow"}:
        return ()
    lists = [shown for shown in (here.memory.shown, _sides(here.memory.frames)) if shown is not None]
    for shown in lists:
        if place.noun in NOUNS and not _is_of(shown, NOUNS[place.noun]):
            continue
        names = _names(place, shown, here.memory.frames)
        if names:
            return tuple((shown.type, name) for name in names)
    return ()


def _is_of(shown: Shown, kind: str) -> bool:
    """A workflow is run, an approval is of one: such lists answer to each other's nouns."""
    return kind == shown.type or {kind, shown.type} <= {"workflow", "approval"}


def _sides(frames: tuple[Frame, ...]) -> Shown | None:
    """The two sides of the last comparison, or the two services spoken of last, the earlier one first."""
    if not frames:
        return None
    compared = frames[0].plan.comparison
    if compared is not None and compared.sides:
        return Shown(type=compared.kind, names=compared.sides)
    spoken = tuple(dict.fromkeys(name for frame in frames for name in services_of(frame.plan)))
    return Shown(type="service", names=tuple(reversed(spoken[:2]))) if len(spoken) > 1 else None


def _names(place: Ordinal, shown: Shown, frames: tuple[Frame, ...]) -> tuple[str, ...]:
    names = shown.names
    if place.kind in ("places", "all"):
        return place.of(names)
    current = _current(shown.type, frames)
    at = next((names.index(name) for name in current if name in names), None)
    if place.kind == "other":
        return tuple(name for name in names if name not in current)
    if at is None:
        return ()
    step = at + (1 if place.kind == "next" else -1)
    return (names[step],) if 0 <= step < len(names) else ()


def _current(kind: str, frames: tuple[Frame, ...]) -> tuple[str, ...]:
    """What of its kind the last request was about."""
    if not frames:
        return ()
    if kind == "service":
        return services_of(frames[0].plan)
    return tuple(entity.value for entity in frames[0].entities if entity.type == kind)


def with_picks(said: Stated, picks: tuple[Pick, ...]) -> Stated:
    """As if the text had named them; the conversation supplied the names."""
    if not picks:
        return said
    services = tuple(name for kind, name in picks if kind == "service")
    plan = with_services(said.plan, services) if services else said.plan
    for kind in dict.fromkeys(kind for kind, _ in picks if kind != "service"):
        plan = _with(plan, kind, ",".join(name for other, name in picks if other == kind))
    supplied = tuple(_entity(kind, name) for kind, name in picks)
    return Stated(plan, (*supplied, *said.entities), said.choices, said.unknown, said.everything)


def _with(plan: Any, kind: str, value: str) -> Any:
    if kind in type(plan).model_fields:
        return plan.model_copy(update={kind: value})
    return plan.model_copy(update={"slots": {**plan.slots, kind: value}})


def _entity(kind: str, name: str) -> Entity:
    value = base_name(name) if kind == "service" else name
    return Entity(type=kind, value=value, text="", start=0, end=0, resolved_from="history")
