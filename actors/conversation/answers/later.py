"""What cannot be done yet, said plainly: what was understood, what is missing, what there is instead."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.conversation.answers.names import listed
from actors.conversation.answers.templates import render
from schemas.adapters import Translation
from schemas.entities import Entity

_KNOWN: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("later.toml").read_text(encoding="utf-8")
)
_PLACE = re.compile(r"\{(\w+)\}")
LANGUAGES = {"promql": "PromQL", "logql": "LogQL", "traceql": "TraceQL"}


@dataclass(frozen=True, slots=True)
class Later:
    content: str
    instead: tuple[str, ...]
    """Questions that can be asked now."""


def later_answer(handler: str, entities: Iterable[Entity], translation: Translation | None) -> Later:
    """Raises KeyError for a handler that `later.toml` does not have."""
    entry = _KNOWN[handler]
    named = tuple(entities)
    instead = filled(entry["instead"], {entity.type: entity.value.replace("_", " ") for entity in named})
    content = render(
        "later",
        asked=entry["asked"],
        lacks=entry["lacks"],
        understood=understood(named),
        query=translation.query if translation else None,
        language=LANGUAGES[translation.language] if translation else None,
        explanation=translation.explanation if translation else None,
        instead=listed([f'"{question}"' for question in instead], "or"),
    )
    return Later(content, instead)


def understood(entities: Iterable[Entity]) -> str:
    """ "service payment, log level error" """
    return ", ".join(dict.fromkeys(f"{entity.type.replace('_', ' ')} {entity.value}" for entity in entities))


def filled(lines: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Each line with its placeholders replaced; one with an unknown placeholder is left out."""
    return tuple(
        _PLACE.sub(lambda found: values[found[1]], line)
        for line in lines
        if all(name in values for name in _PLACE.findall(line))
    )
