"""Something that a text names."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from schemas.plans import TimeRange


class Entity(BaseModel):
    """`start` and `end` are character offsets into the text. What the conversation supplied has no place in it:
    its `text` is empty and both are 0."""

    model_config = ConfigDict(frozen=True)

    type: str
    value: str
    text: str
    start: int
    end: int
    resolved_from: Literal["history"] | None = None
    range: TimeRange | None = None
