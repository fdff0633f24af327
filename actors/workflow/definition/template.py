"""`${{ expression }}` in the values of `with` and `outputs`.

A text that is one expression and nothing else takes the expression's value with its type; embedded among other
characters the value becomes text: a string as it is, null as nothing, everything else as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from actors.workflow.definition import cost
from actors.workflow.definition.expression import LARGEST_RESULT_BYTES, Expression, ExpressionError, compiled
from actors.workflow.definition.source import DEEPEST, escaped

OPEN, CLOSE = "${{", "}}"


@dataclass(frozen=True, slots=True)
class Found:
    """An expression and the JSON pointer of the text that it stands in."""

    pointer: str
    expression: Expression


class TemplateError(ValueError):
    """Raised for a template that cannot be read or resolved; `pointer` says where in the value."""

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Text:
    """Alternately plain text and expressions."""

    parts: tuple[str | Expression, ...]

    def resolve(self, scope: Mapping[str, Any]) -> Any:
        """Raises ExpressionError."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].evaluate(scope)
        return "".join(part if isinstance(part, str) else as_text(part.evaluate(scope)) for part in self.parts)


def text(value: str) -> Text:
    """Raises ExpressionError for an expression that does not end, or cannot be read."""
    parts: list[str | Expression] = []
    at = 0
    while (start := value.find(OPEN, at)) >= 0:
        end = _end(value, start + len(OPEN))
        if start > at:
            parts.append(value[at:start])
        parts.append(compiled(value[start + len(OPEN) : end].strip()))
        at = end + len(CLOSE)
    if at < len(value) or not parts:
        parts.append(value[at:])
    return Text(tuple(parts))


def expressions(value: Any, pointer: str = "") -> Iterator[Found]:
    """Every expression in a JSON value. Raises TemplateError for the first that cannot be read."""
    for at, one in _texts(value, pointer, 0):
        try:
            found = text(one)
        except ExpressionError as error:
            raise TemplateError(at, str(error)) from error
        yield from (Found(at, part) for part in found.parts if isinstance(part, Expression))


def resolve(value: Any, scope: Mapping[str, Any], pointer: str = "") -> Any:
    """The value with every expression replaced. Raises TemplateError; also for more than 256 KB in all."""
    found = _resolved(value, scope, pointer)
    if cost.weight(found) > LARGEST_RESULT_BYTES:
        raise TemplateError(pointer, f"is larger than {LARGEST_RESULT_BYTES >> 10} KB")
    return found


def as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _resolved(value: Any, scope: Mapping[str, Any], pointer: str) -> Any:
    if isinstance(value, str):
        if OPEN not in value:
            return value
        try:
            return text(value).resolve(scope)
        except ExpressionError as error:
            raise TemplateError(pointer, str(error)) from error
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {key: _resolved(one, scope, f"{pointer}/{escaped(key)}") for key, one in entries.items()}
    if isinstance(value, list | tuple):
        items = cast("list[Any]", value)
        return [_resolved(one, scope, f"{pointer}/{number}") for number, one in enumerate(items)]
    return value


def _texts(value: Any, pointer: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        raise TemplateError(pointer, f"nested deeper than {DEEPEST} levels")
    if isinstance(value, str):
        if OPEN in value:
            yield pointer, value
    elif isinstance(value, dict):
        for key, one in cast("dict[str, Any]", value).items():
            yield from _texts(one, f"{pointer}/{escaped(key)}", depth + 1)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(cast("list[Any]", value)):
            yield from _texts(one, f"{pointer}/{number}", depth + 1)


def _end(value: str, at: int) -> int:
    """Where the expression's `}}` stands: not in a string, and not closing a mapping of its own."""
    braces = 0
    while at < len(value):
        character = value[at]
        if character in "\"'":
            at = _after_string(value, at)
            continue
        if character == "{":
            braces += 1
        elif character == "}" and braces:
            braces -= 1
        elif value.startswith(CLOSE, at):
            return at
        at += 1
    raise ExpressionError(f"{OPEN} without its {CLOSE}")


def _after_string(value: str, start: int) -> int:
    quote = value[start]
    mark = quote * 3 if value.startswith(quote * 3, start) else quote
    at = start + len(mark)
    while at < len(value):
        if value.startswith(mark, at):
            return at + len(mark)
        at += 2 if value[at] == "\\" else 1
    raise ExpressionError("a text in quotes does not end")
