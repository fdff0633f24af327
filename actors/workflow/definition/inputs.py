"""The inputs of a workflow: what may be given, and checking what was."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from actors.workflow.definition import expression
from actors.workflow.definition.source import escaped
from schemas.errors import InvalidInput, Violation

InputType = Literal["string", "number", "integer", "boolean", "array", "object"]
LARGEST_INPUT_BYTES = 256 << 10
"""Of all inputs of a run together, as JSON."""
LARGEST_INTEGER = 2**63 - 1
"""Expressions count with 64 bits."""


class Input(BaseModel):
    """One input. `pattern` is RE2 and must match the whole text; `enum` lists the values that are allowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: InputType = "string"
    description: str = Field(default="", max_length=1_000)
    required: bool = False
    default: Any = None
    enum: tuple[Any, ...] | None = Field(default=None, min_length=1, max_length=1_000)
    pattern: str | None = Field(default=None, max_length=500)

    def mistake(self, value: Any) -> str | None:
        """What is wrong with a value, in words; None where nothing is."""
        if not is_of(self.type, value):
            return f"must be {_ARTICLE[self.type]}, not {kind_of(value)}"
        if self.enum is not None and not any(_same(value, allowed) for allowed in self.enum):
            return f"must be one of {', '.join(json.dumps(allowed) for allowed in self.enum)}"
        if self.pattern is not None and not expression.matches(self.pattern, cast("str", value)):
            return f"must match {self.pattern}"
        return None

    def contradictions(self) -> Iterable[tuple[str, str]]:
        """What is wrong with the declaration itself: field and sentence."""
        if self.pattern is not None:
            if self.type != "string":
                yield "pattern", f"only a string has a pattern, and this is {_ARTICLE[self.type]}"
                return
            wrong = expression.pattern_mistake(self.pattern)
            if wrong:
                yield "pattern", wrong
                return
        for number, allowed in enumerate(self.enum or ()):
            if not is_of(self.type, allowed):
                yield f"enum/{number}", f"is {kind_of(allowed)}, but the input is {_ARTICLE[self.type]}"
        if self.default is not None:
            if self.required:
                yield "default", "a required input has no default"
            elif mistake := self.mistake(self.default):
                yield "default", mistake


_ARTICLE: dict[InputType, str] = {
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "a boolean",
    "array": "an array",
    "object": "an object",
}


_PLAIN: dict[InputType, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "array": (list, tuple),
    "object": dict,
}


def resolve(declared: Mapping[str, Input], given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a run: what is given, defaults for the rest, null for what has none.

    Raises InvalidInput with every violation; the pointers are into the inputs.
    """
    found = {name: given.get(name, declared[name].default) for name in declared}
    wrong = [
        _violation(name, f"there is no such input; there are {_names(declared)}") for name in given.keys() - found
    ]
    for name, spec in declared.items():
        if name not in given or (given[name] is None and not spec.required):
            if spec.required:
                wrong.append(_violation(name, "is required"))
            found[name] = spec.default
        elif mistake := spec.mistake(given[name]):
            wrong.append(_violation(name, mistake))
    if not wrong and len(json.dumps(found)) > LARGEST_INPUT_BYTES:
        wrong.append(Violation(pointer="", detail=f"the inputs are larger than {LARGEST_INPUT_BYTES >> 10} KB"))
    if wrong:
        shown = "; ".join(f"input {v.pointer.removeprefix('/')} {v.detail}" for v in wrong[:3])
        raise InvalidInput(f"the inputs do not fit: {shown}", violations=tuple(wrong))
    return found


def is_of(kind: InputType, value: Any) -> bool:
    """Whether a JSON value is of that type; a boolean is no number."""
    if kind in _PLAIN:
        return isinstance(value, _PLAIN[kind])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(value, int):
        return abs(value) <= LARGEST_INTEGER
    return kind == "number" and math.isfinite(value)


def kind_of(value: Any) -> str:
    """What a JSON value is, with its article."""
    if value is None:
        return "null"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
        return "an integer beyond 64 bits"
    kinds: tuple[InputType, ...] = ("boolean", "string", "integer", "number", "array", "object")
    return next((_ARTICLE[kind] for kind in kinds if is_of(kind, value)), type(value).__name__)


def _same(value: Any, allowed: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return value == allowed and isinstance(value, bool) == isinstance(allowed, bool)


def _names(declared: Mapping[str, Input]) -> str:
    return ", ".join(declared) or "none"


def _violation(name: str, detail: str) -> Violation:
    return Violation(pointer=f"/{escaped(name)}", detail=detail)
