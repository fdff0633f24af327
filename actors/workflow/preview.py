"""What steps would do, with every value that is known and without any effect: dry runs, and the plan that an
approver sees."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, cast

from actors.workflow.definition import template
from actors.workflow.definition.expression import Expression, ExpressionError
from actors.workflow.definition.plan import Plan, Scope
from actors.workflow.definition.source import DEEPEST
from actors.workflow.state import RunState
from schemas.adapters import ActionClass
from schemas.steps import PlannedStep

EARLY = frozenset({"inputs", "run"})
"""What expressions may read beforehand; the outputs of steps, once these have ended."""


def whole(plan: Plan, scope: Scope, effects: Mapping[str, ActionClass]) -> tuple[PlannedStep, ...]:
    """Every step, each after all that it needs."""
    return tuple(_planned(plan, id, scope, effects) for id in plan.graph.order())


def after(state: RunState, step: str, most: int) -> Iterator[PlannedStep]:
    """The steps that come behind this one, nearest first."""
    seen = {step}
    todo = deque([step])
    scope = state.scope()
    while todo and len(seen) <= most:
        for id in state.plan.graph.dependents[todo.popleft()]:
            if id not in seen:
                seen.add(id)
                todo.append(id)
                yield _planned(state.plan, id, scope, state.effects)


def _planned(plan: Plan, id: str, scope: Scope, effects: Mapping[str, ActionClass]) -> PlannedStep:
    step = plan.steps[id]
    known = scope.variables()
    return PlannedStep(
        id=id,
        uses=step.uses,
        needs=step.needs,
        condition=step.if_,
        for_each=step.for_each if isinstance(step.for_each, str) or step.for_each is None else str(step.for_each),
        input=cast("dict[str, Any]", _filled(step.with_, known, 0)),
        effect=effects[step.uses],
        compensate=step.compensate.uses if step.compensate else None,
    )


def _filled(value: Any, known: Mapping[str, Any], depth: int) -> Any:
    """Texts whose every expression can be resolved now are; the others stay as they are written."""
    if depth > DEEPEST:
        return value
    if isinstance(value, str):
        return _text(value, known)
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        return {key: _filled(one, known, depth + 1) for key, one in entries.items()}
    if isinstance(value, list | tuple):
        return [_filled(one, known, depth + 1) for one in cast("list[Any]", value)]
    return value


def _text(value: str, known: Mapping[str, Any]) -> Any:
    if template.OPEN not in value:
        return value
    try:
        text = template.text(value)
        if all(_readable(part, known) for part in text.parts if isinstance(part, Expression)):
            return text.resolve(known)
    except ExpressionError:
        return value  # it will fail when the step begins; here it is shown as written
    return value


def _readable(expression: Expression, known: Mapping[str, Any]) -> bool:
    roots = {path.root for path in expression.reads.paths}
    if roots <= EARLY:
        return True
    return roots <= EARLY | {"steps"} and all(step in known["steps"] for step in expression.steps)
