"""From a text or a JSON value to a plan, or to everything that is wrong with it."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from actors.workflow.definition import checks, source
from actors.workflow.definition.checks import Actions
from actors.workflow.definition.model import About, Compensation, Definition, Input, Retry, Step
from actors.workflow.definition.plan import Plan
from actors.workflow.definition.source import Place
from schemas.errors import InvalidInput, Violation

SHOWN = 3
_PARTS: tuple[type[BaseModel], ...] = (Definition, Step, Retry, Compensation, Input, About)
_KEYS = sorted({field.alias or name for part in _PARTS for name, field in part.model_fields.items()})


def plan(value: Any, actions: Actions) -> Plan:
    """Raises InvalidInput with every violation; the pointers are into the definition."""
    return Plan(_checked(value, actions))


def plan_from_text(text: str | bytes, actions: Actions) -> Plan:
    """The same for YAML or JSON; each violation's detail begins with its line and column."""
    found = examined(text, actions)
    if isinstance(found, Plan):
        return found
    raise _invalid(tuple(Violation(pointer=one.pointer, detail=f"{one.place}: {one.detail}") for one in found))


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a text."""

    place: Place
    pointer: str
    detail: str


def examined(text: str | bytes, actions: Actions) -> Plan | tuple[Mistake, ...]:
    """A plan, or everything that is wrong, by place. Raises InvalidInput for what is neither YAML nor JSON."""
    read = source.read(text)
    try:
        return plan(read.value, actions)
    except InvalidInput as error:
        wrong = error.violations or (Violation(pointer="", detail=error.detail),)
        found = [Mistake(read.place(one.pointer), one.pointer, one.detail) for one in wrong]
        return tuple(sorted(found, key=lambda one: (one.place.line, one.place.column)))


def schema() -> dict[str, Any]:
    """The format as a JSON Schema (2020-12), published as `deploy/workflow.schema.json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:copilot:workflow-definition",
        **Definition.model_json_schema(by_alias=True),
    }


def _checked(value: Any, actions: Actions) -> Definition:
    try:
        definition = Definition.model_validate(value)
    except ValidationError as error:
        raise _invalid(_form(error)) from error
    except RecursionError as error:
        raise InvalidInput(f"nested deeper than {source.DEEPEST} levels") from error
    found = tuple(checks.violations(definition, actions))
    if found:
        raise _invalid(found)
    return definition


def _invalid(found: tuple[Violation, ...]) -> InvalidInput:
    listed = "; ".join(f"{one.pointer or '/'}: {one.detail}" for one in found[:SHOWN])
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return InvalidInput(f"the workflow cannot run: {listed}{more}", violations=found)


def _form(error: ValidationError) -> tuple[Violation, ...]:
    found = error.errors(include_url=False, include_input=False)
    # A list whose only item is wrong is called too short as well, which it is not.
    inside = {item["loc"][:n] for item in found for n in range(len(item["loc"]))}
    return tuple(
        Violation(pointer="".join(f"/{source.escaped(part)}" for part in item["loc"]), detail=_said(item))
        for item in found
        if item["type"] != "too_short" or item["loc"] not in inside
    )


def _said(item: Any) -> str:
    """pydantic's words where they serve, ours where they do not."""
    kind, name = item["type"], str(item["loc"][-1]) if item["loc"] else ""
    if kind == "extra_forbidden":
        close = difflib.get_close_matches(name, _KEYS, n=1)
        return f"unknown key {json.dumps(name)}" + (f"; did you mean {close[0]}?" if close else "")
    if kind in ("model_type", "dict_type"):
        return "must be a mapping"
    if kind == "missing":
        return "is required"
    if kind == "string_pattern_mismatch":
        return f"must match {item['ctx']['pattern']}"
    return str(item["msg"]).removeprefix("Value error, ")
