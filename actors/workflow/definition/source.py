"""Reading a definition's text, YAML or JSON, with the place of everything in it.

The scalars are those of YAML 1.2's core schema, so that `on` and `2024-01-01` are texts, as in JSON. Aliases are
not read: a few lines of them can stand for gigabytes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Never

import yaml

from schemas.errors import InvalidInput, TooLarge

LARGEST_TEXT_BYTES = 10 << 20
DEEPEST = 64
"""Levels of lists and mappings in each other."""

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the C parser is ten times as fast
_CONSTANTS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]{1,19}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; both count from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class Source:
    """The value that a text holds, and where its parts begin: by JSON pointer (RFC 6901), `""` the whole."""

    value: Any
    places: dict[str, Place]

    def place(self, pointer: str) -> Place:
        """Of the part itself, or of the nearest one around it: what is missing has no place of its own."""
        while pointer not in self.places and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, Place(1, 1))


def escaped(part: str | int) -> str:
    """One step of a JSON pointer."""
    return str(part).replace("~", "~0").replace("/", "~1")


def read(text: str | bytes) -> Source:
    """Raises InvalidInput, naming line and column, for what is neither YAML nor JSON; TooLarge above 10 MB."""
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > LARGEST_TEXT_BYTES:
        raise TooLarge(f"a definition has at most {LARGEST_TEXT_BYTES >> 20} MB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the text is not UTF-8 (byte {error.start})") from error
    try:
        return _Reading(yaml.parse(text, Loader=_LOADER)).source()
    except yaml.YAMLError as error:
        found = _json(text)
        if found is None:
            raise _unreadable(error) from error
        return found


def _json(text: str) -> Source | None:
    """What is JSON but not YAML, such as a character written as two escapes; its parts have no places."""
    try:
        return Source(json.loads(text, object_pairs_hook=_once_each), {})
    except (json.JSONDecodeError, RecursionError):
        return None


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for n, (key, _) in enumerate(pairs) if any(key == other for other, _ in pairs[:n]))
        raise InvalidInput(f"the key {twice!r} is there twice")
    return found


def _unreadable(error: yaml.YAMLError) -> InvalidInput:
    if isinstance(error, yaml.MarkedYAMLError):
        where = f"{_place(error.problem_mark)}: " if error.problem_mark else ""
        return InvalidInput(f"{where}{error.problem or error.context}")
    return InvalidInput(f"neither YAML nor JSON: {error}")


class _Reading:
    """Builds values from the parser's events, so that depth and aliases are noticed before they cost anything."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._places: dict[str, Place] = {}

    def source(self) -> Source:
        event = self._next()
        while isinstance(event, (yaml.StreamStartEvent, yaml.DocumentStartEvent)):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise InvalidInput("the text is empty")
        value = self._value(event, "", 0)
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                _refuse(event, "a second document; one file holds one definition")
        return Source(value, self._places)

    def _next(self) -> Any:
        return next(self._events)

    def _value(self, event: Any, pointer: str, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            _refuse(event, "anchors and aliases are not read: write the value out")
        if event.tag not in (None, "!"):
            _refuse(event, f"the tag {event.tag} is not read")
        if depth > DEEPEST:
            _refuse(event, f"nested deeper than {DEEPEST} levels")
        self._places[pointer] = _place(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(pointer, depth)
        return self._mapping(pointer, depth)

    def _sequence(self, pointer: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(event, f"{pointer}/{len(items)}", depth + 1))
        return items

    def _mapping(self, pointer: str, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                _refuse(event, "a key must be a text")
            key: str = event.value
            if key in found:
                _refuse(event, f"the key {key!r} is there twice")
            below = f"{pointer}/{escaped(key)}"
            found[key] = self._value(self._next(), below, depth + 1)
            self._places[below] = _place(event.start_mark)  # people look for the key
        return found


def _scalar(event: Any) -> Any:
    text: str = event.value
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        return number if math.isfinite(number) else _refuse(event, f"the number {text} is too large")
    if _SPECIAL.fullmatch(text):
        _refuse(event, f"{text} is no number that JSON knows")
    return text


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _refuse(event: Any, why: str) -> Never:
    raise InvalidInput(f"{_place(event.start_mark)}: {why}")
