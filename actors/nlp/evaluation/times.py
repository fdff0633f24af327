"""Phrases of time and the windows that they mean.

A line of a file: `{"text", "as_of", "timezone", "start", "end"}`, three instants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from actors.nlp.entities import entities, find
from actors.nlp.evaluation.sentences import read_lines
from actors.nlp.times import calendar_for
from schemas.adapters import Catalogue


class Phrase(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    as_of: AwareDatetime
    timezone: str = "UTC"
    start: AwareDatetime
    end: AwareDatetime


@dataclass(frozen=True, slots=True)
class Taken:
    phrase: Phrase
    found: tuple[datetime, datetime] | None

    @property
    def right(self) -> bool:
        return self.found == (self.phrase.start, self.phrase.end)


def read_phrases(path: Path) -> tuple[Phrase, ...]:
    """Raises DataInvalid."""
    return read_lines(path, Phrase)


def take(phrases: Sequence[Phrase]) -> tuple[Taken, ...]:
    """The first window that is found in each."""
    return tuple(Taken(phrase, _window(phrase)) for phrase in phrases)


def _window(phrase: Phrase) -> tuple[datetime, datetime] | None:
    found = find(phrase.text, calendar_for(phrase.as_of, phrase.timezone), Catalogue())
    windows = [entity.range for entity in entities(phrase.text, found) if entity.range is not None]
    return (windows[0].start, windows[0].end) if windows else None
