"""The definition of a workflow: its form. What goes beyond form is in `checks.py`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema

from actors.workflow.definition.durations import Duration, written
from actors.workflow.definition.inputs import Input

MOST_STEPS = 10_000
LONGEST_EXPRESSION = 4_096
SHORTEST_WAIT = timedelta(milliseconds=1)
LONGEST_STEP = timedelta(days=30)
LONGEST_DELAY = timedelta(hours=24)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")]
"""Of a workflow."""
Id = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,99}$")]
"""Of a step or an input. With a `-` in it an expression writes `steps["a-b"]`."""
ActionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
"""`module.action`."""
OnFailure = Literal["stop", "continue", "compensate"]

_WRAPPED = re.compile(r"\s*\$\{\{(.*)\}\}\s*", re.DOTALL)


def _unwrapped(value: Any) -> Any:
    """`${{ x }}` around a whole expression may be there or not, as in GitHub Actions."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (found := _WRAPPED.fullmatch(value)) and "${{" not in found[1]:
        return found[1].strip()
    return value


def _expression(value: Any) -> Any:
    found = _unwrapped(value)
    if isinstance(found, str) and not 0 < len(found) <= LONGEST_EXPRESSION:
        raise ValueError(f"an expression has 1 to {LONGEST_EXPRESSION:,} characters")
    return found


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _list_or_expression(value: Any) -> Any:
    found = list(cast("list[Any]", value)) if isinstance(value, list | tuple) else _expression(value)
    if isinstance(found, str | list):
        return cast("Any", found)
    raise ValueError("must be an expression that gives a list, or a list")


def _within(shortest: timedelta, longest: timedelta) -> AfterValidator:
    def check(value: timedelta) -> timedelta:
        if not shortest <= value <= longest:
            raise ValueError(f"must be from {written(shortest)} to {written(longest)}, not {written(value)}")
        return value

    return AfterValidator(check)


_EXPRESSION = {"type": "string", "minLength": 1, "maxLength": LONGEST_EXPRESSION}
Expression = Annotated[
    str,
    BeforeValidator(_expression),
    WithJsonSchema({"anyOf": [{**_EXPRESSION, "description": "CEL"}, {"type": "boolean"}]}),
]
"""CEL, kept as its text."""
Items = Annotated[
    str | list[Any],
    PlainValidator(_list_or_expression),
    WithJsonSchema({"anyOf": [{**_EXPRESSION, "description": "CEL that gives a list"}, {"type": "array"}]}),
]
Needs = Annotated[
    tuple[Id, ...],
    BeforeValidator(_one_or_many),
    Field(max_length=MOST_STEPS),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
StepTimeout = Annotated[Duration, _within(SHORTEST_WAIT, LONGEST_STEP)]


class Part(BaseModel):
    """Unknown keys are refused: a mistyped one would silently do nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Retry(Part):
    """`max_attempts` counts the first one. The delay before attempt n+1 is `initial_delay` (constant), n times
    that (linear), or 2^(n-1) times that (exponential), `max_delay` at most."""

    max_attempts: int = Field(default=3, ge=1, le=100)
    backoff: Literal["constant", "linear", "exponential"] = "exponential"
    initial_delay: Annotated[Duration, _within(timedelta(0), LONGEST_DELAY)] = timedelta(seconds=1)
    max_delay: Annotated[Duration, _within(timedelta(0), LONGEST_DELAY)] = timedelta(seconds=60)

    def delay(self, attempt: int) -> timedelta:
        """Between the end of this attempt, counted from 1, and the next."""
        factor = {"constant": 1, "linear": attempt, "exponential": 2 ** (attempt - 1)}[self.backoff]
        microsecond = timedelta(microseconds=1)
        # In whole numbers: 2^99 times a delay does not fit a timedelta.
        return min(self.initial_delay // microsecond * factor, self.max_delay // microsecond) * microsecond


ONE_ATTEMPT = Retry(max_attempts=1)


class Compensation(Part):
    """What takes a step's effect back; runs in reverse order of completion, with the key `run:step:item:undo`."""

    uses: ActionName
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    retry: Retry | None = None
    timeout: StepTimeout | None = None


class Step(Part):
    """One node of the graph. Without `retry` there is one attempt; without `timeout` the action's own holds."""

    id: Id
    uses: ActionName
    description: str = Field(default="", max_length=1_000)
    needs: Needs = ()
    if_: Expression | None = Field(default=None, alias="if")
    for_each: Items | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    retry: Retry | None = None
    timeout: StepTimeout | None = None
    compensate: Compensation | None = None


class About(Part):
    """What a person who picks a template wants to know; without effect on the run."""

    title: str = Field(default="", max_length=200)
    destructive: bool = False
    """Changes something that people notice: a request for it in chat asks for approval."""
    intents: tuple[str, ...] = Field(default=(), max_length=50)
    """Of the chat, which this template answers."""
    labels: dict[str, str] = Field(default_factory=dict, max_length=50)


class Definition(Part):
    """A workflow. Without `timeout` a run may take as long as its steps do; without `max_parallel` all that is
    ready runs at once. `outputs` are resolved when the run has succeeded."""

    name: Name
    description: str = Field(default="", max_length=10_000)
    metadata: About = About()
    inputs: dict[Id, Input] = Field(default_factory=dict, max_length=200)
    timeout: Annotated[Duration, _within(SHORTEST_WAIT, timedelta(days=366))] | None = None
    max_parallel: int | None = Field(default=None, ge=1, le=MOST_STEPS)
    on_failure: OnFailure = "stop"
    steps: tuple[Step, ...] = Field(min_length=1, max_length=MOST_STEPS)
    outputs: dict[Id, Any] = Field(default_factory=dict, max_length=200)
