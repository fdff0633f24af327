"""Everything that is wrong with a definition beyond its form, each with its place."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from actors.workflow.definition import template
from actors.workflow.definition.expression import Expression, ExpressionError, Wanted, compiled
from actors.workflow.definition.inputs import Input
from actors.workflow.definition.model import Compensation, Definition, Step
from actors.workflow.definition.order import Order
from actors.workflow.definition.source import escaped
from actors.workflow.definition.template import TemplateError
from schemas.errors import Violation

Actions = Mapping[str, type[BaseModel] | None]
"""Every action by name, and what it asks; None where that is not known here."""

STEP_FIELDS = ("output", "status", "error")
RUN_FIELDS = ("id", "workflow", "user", "started_at")


def violations(definition: Definition, actions: Actions) -> list[Violation]:
    """All of them, in the order of the definition; none is a definition that can run."""
    return list(_Checks(definition, actions).found())


@dataclass(frozen=True, slots=True)
class _Sees:
    """What expressions at some place may read. `steps` None: all of them."""

    steps: Collection[str] | None
    item: bool
    self_: str | None = None


class _Checks:
    def __init__(self, definition: Definition, actions: Actions) -> None:
        self._definition = definition
        self._actions = actions
        self._order = Order(definition.steps)

    def found(self) -> Iterator[Violation]:
        for name, spec in self._definition.inputs.items():
            yield from _input(f"/inputs/{escaped(name)}", spec)
        yield from self._order.violations()
        for number, step in enumerate(self._definition.steps):
            yield from self._step(f"/steps/{number}", step)
        yield from self._values("/outputs", self._definition.outputs, _Sees(None, item=False))

    def _step(self, at: str, step: Step) -> Iterator[Violation]:
        if step.if_ is not None:
            yield from self._text(f"{at}/if", step.if_, "boolean", step, item=False)
        if isinstance(step.for_each, str):
            yield from self._text(f"{at}/for_each", step.for_each, "list", step, item=False)
        elif step.for_each is not None:
            yield from self._values(f"{at}/for_each", step.for_each, self._before(step, item=False))
        yield from self._call(at, step, self._before(step, item=step.for_each is not None))
        if step.compensate is not None:
            after = self._before(step, item=step.for_each is not None, itself=True)
            yield from self._call(f"{at}/compensate", step.compensate, after)

    def _before(self, step: Step, *, item: bool, itself: bool = False) -> _Sees:
        return _Sees(self._order.before(step.id), item, step.id if itself else None)

    def _call(self, at: str, call: Step | Compensation, sees: _Sees) -> Iterator[Violation]:
        if call.uses not in self._actions:
            detail = f"unknown action {call.uses}{_near(call.uses, self._actions)}"
            yield Violation(pointer=f"{at}/uses", detail=detail)
        asks = self._actions.get(call.uses)
        wrong = list(self._values(f"{at}/with", call.with_, sees))
        yield from wrong
        if asks is not None and not wrong:
            yield from _against(asks, call.with_, f"{at}/with", call.uses)

    def _text(self, at: str, text: str, wanted: Wanted, step: Step, *, item: bool) -> Iterator[Violation]:
        try:
            expression = compiled(text, wanted)
        except ExpressionError as error:
            yield Violation(pointer=at, detail=self._explained(str(error)))
            return
        yield from self._reads(at, expression, self._before(step, item=item))

    def _values(self, at: str, value: Any, sees: _Sees) -> Iterator[Violation]:
        try:
            for found in template.expressions(value, at):
                yield from self._reads(found.pointer, found.expression, sees)
        except TemplateError as error:
            yield Violation(pointer=error.pointer, detail=self._explained(error.detail))

    def _reads(self, at: str, expression: Expression, sees: _Sees) -> Iterator[Violation]:
        for path in sorted(expression.reads.paths, key=str):
            wrong = self._read(path.root, path.steps, sees)
            if wrong:
                yield Violation(pointer=at, detail=f"{expression.text}: {wrong}")

    def _read(self, root: str, steps: tuple[str, ...], sees: _Sees) -> str | None:
        if root in ("item", "index"):
            return None if sees.item else f"{root} is there in the `with` of a step with for_each alone"
        if root == "inputs":
            return _field("input", steps[:1], tuple(self._definition.inputs))
        if root == "run":
            return _field("field of run", steps[:1], RUN_FIELDS)
        if root != "steps":
            return None
        if not steps:
            return "name the step: steps.<id>"
        return self._step_read(steps, sees)

    def _step_read(self, steps: tuple[str, ...], sees: _Sees) -> str | None:
        id = steps[0]
        if id not in self._order.ids:
            return f"there is no step {id}{_near(id, self._order.ids)}"
        if sees.steps is not None and id not in sees.steps and id != sees.self_:
            return f"{id} need not have ended here: it must be among the needs, directly or further up"
        return _field("field of a step", steps[1:2], STEP_FIELDS) if steps[1:] else None

    def _explained(self, error: str) -> str:
        """A step's name with a hyphen reads as a subtraction; the library's words do not say so."""
        if "undeclared reference" in error and any("-" in id for id in self._order.ids):
            return f'{error} (a name with a hyphen is written steps["a-b"])'
        return error


def _input(at: str, spec: Input) -> Iterator[Violation]:
    for field, detail in spec.contradictions():
        yield Violation(pointer=f"{at}/{field}", detail=detail)


def _field(what: str, name: tuple[str, ...], known: Collection[str]) -> str | None:
    if not name:
        return None
    return None if name[0] in known else f"there is no {what} {name[0]}{_near(name[0], known)}"


def _against(asks: type[BaseModel], given: dict[str, Any], at: str, action: str) -> Iterator[Violation]:
    """What a value with expressions will be is not known: errors at and inside of such values are left out."""
    fields = {field.alias or name for name, field in asks.model_fields.items()}
    for key in given:
        if key not in fields:
            detail = f"{action} has no {key}{_near(key, fields)}"
            yield Violation(pointer=f"{at}/{escaped(key)}", detail=detail)
    open_places = [found.pointer for found in template.expressions(given, "")]
    try:
        asks.model_validate({key: value for key, value in given.items() if key in fields})
    except ValidationError as error:
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            pointer = "".join(f"/{escaped(part)}" for part in item["loc"])
            if not _touches(pointer, open_places):
                yield Violation(pointer=at + pointer, detail=item["msg"])


def _touches(pointer: str, open_places: list[str]) -> bool:
    return any(
        f"{place}/".startswith(f"{pointer}/") or f"{pointer}/".startswith(f"{place}/") for place in open_places
    )


def _near(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""
