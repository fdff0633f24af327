"""A checked definition, ready to be followed: its graph, and what each step asks with given values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from actors.workflow.definition import template, version
from actors.workflow.definition.expression import Expression, ExpressionError, Needs, compiled, shown
from actors.workflow.definition.graph import Graph, Node
from actors.workflow.definition.model import Definition, Step
from actors.workflow.definition.progress import Progress

MOST_ITEMS = 10_000
"""Of one `for_each`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What expressions see.

    `steps`: by id, `{"status", "output", "error"}` of steps that have ended; `output` of a step with `for_each` is
    the list of its units' outputs. `run`: `{"id", "workflow", "user", "started_at"}`. Times are RFC 3339.
    """

    inputs: Mapping[str, Any]
    steps: Mapping[str, Mapping[str, Any]]
    run: Mapping[str, Any]
    now: str
    item: Any = None
    index: int = 0

    def variables(self) -> dict[str, Any]:
        return {
            "inputs": self.inputs,
            "steps": self.steps,
            "run": self.run,
            "now": self.now,
            "item": self.item,
            "index": self.index,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """`runs` false: skip. `items`: the elements of `for_each`; None without one."""

    runs: bool
    items: list[Any] | None = None

    @property
    def count(self) -> int | None:
        """For `Progress.open`."""
        return None if self.items is None else len(self.items)


class Plan:
    """Made of a definition without violations (`checks.violations`)."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.sha256 = version.sha256(definition)
        self.steps = {step.id: step for step in definition.steps}
        self.graph = Graph(node(step) for step in definition.steps)

    def progress(self) -> Progress:
        return Progress(self.graph, self.definition.on_failure)

    def decide(self, step: str, scope: Scope, needs: Needs) -> Decision:
        """Whether a due step runs, and for which items. Raises ExpressionError, which fails the step."""
        found, variables = self.steps[step], scope.variables()
        if found.if_ is not None and not compiled(found.if_, "boolean").condition(variables, needs):
            return Decision(False)
        if found.for_each is None:
            return Decision(True)
        return Decision(True, _items(found.for_each, variables))

    def asks(self, step: str, scope: Scope) -> dict[str, Any]:
        """The step's `with` with every value in place. Raises TemplateError."""
        return cast("dict[str, Any]", template.resolve(self.steps[step].with_, scope.variables(), "/with"))

    def takes_back(self, step: str, scope: Scope) -> dict[str, Any]:
        """The `with` of the step's `compensate`. Raises TemplateError."""
        compensate = self.steps[step].compensate
        given = compensate.with_ if compensate else {}
        return cast("dict[str, Any]", template.resolve(given, scope.variables(), "/compensate/with"))

    def outputs(self, scope: Scope) -> dict[str, Any]:
        """Of the run. Raises TemplateError."""
        return cast("dict[str, Any]", template.resolve(self.definition.outputs, scope.variables(), "/outputs"))

    def reads(self, step: str) -> frozenset[str]:
        """The steps whose results its `if`, `for_each`, `with` and `compensate` read."""
        return frozenset(id for expression in _expressions(self.steps[step]) for id in expression.steps)

    def outputs_read(self) -> frozenset[str]:
        """The steps whose results the run's outputs read."""
        found = template.expressions(self.definition.outputs)
        return frozenset(id for one in found for id in one.expression.steps)


def node(step: Step) -> Node:
    handles = step.if_ is not None and compiled(step.if_).asks_status
    return Node(step.id, step.needs, handles, step.compensate is not None)


def _items(for_each: str | list[Any], variables: Mapping[str, Any]) -> list[Any]:
    if isinstance(for_each, str):
        items = compiled(for_each, "list").evaluate(variables)
    else:
        items = template.resolve(for_each, variables, "/for_each")
    if not isinstance(items, list):
        raise ExpressionError(f"{for_each}: gives {shown(items)}, not a list")
    found = cast("list[Any]", items)
    if len(found) > MOST_ITEMS:
        raise ExpressionError(f"{for_each}: gives {len(found):,} items; at most {MOST_ITEMS:,} are run")
    return found


def _expressions(step: Step) -> Iterable[Expression]:
    if step.if_ is not None:
        yield compiled(step.if_)
    if isinstance(step.for_each, str):
        yield compiled(step.for_each)
    given: list[Any] = [step.with_, step.for_each if isinstance(step.for_each, list) else None]
    given.append(step.compensate.with_ if step.compensate else None)
    for value in given:
        yield from (found.expression for found in template.expressions(value))
