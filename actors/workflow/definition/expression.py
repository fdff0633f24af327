"""CEL expressions: compiled, looked into, evaluated within bounds.

The library is the binding of the C++ implementation by CEL's authors. Of the three on offer it is the one that
bounds nesting and loops by itself (`common-expression-language` 0.10 ended the process on a long sum and ran a
nested loop without end; `cel-python` 0.5 is seventy times as slow); its regular expressions are RE2, linear in
time. Texts and sizes are bounded here, and the work of loops by `cost.py`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, cast

from cel_expr_python import cel

from actors.workflow.definition import cost, syntax
from actors.workflow.definition.durations import written
from actors.workflow.definition.syntax import Reads, Tree

LARGEST_RESULT_BYTES = 256 << 10
STEP_VARIABLES = ("inputs", "steps", "run", "item", "index", "now")
"""What an expression in a definition may read. `now` and `run.started_at` are RFC 3339 texts: `timestamp(now)`."""
EVENT_VARIABLES = ("event",)
"""What the filter of a trigger may read."""
STATUS_FUNCTIONS = ("always", "success", "failure")

Wanted = Literal["any", "boolean", "list"]
_WANTED = {"boolean": ("BOOL", "a condition gives true or false"), "list": ("LIST", "for_each needs a list")}
_OVER_STATUS = re.compile(r"^[A-Z_]+: ")
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")


class ExpressionError(ValueError):
    """An expression that cannot be read, or cannot be evaluated with the values at hand; says why."""


@dataclass(frozen=True, slots=True)
class Needs:
    """How the steps that a step needs have ended, for the functions in its `if`."""

    succeeded: bool = True
    """Each of them."""
    failed: bool = False
    """One of them, or one before."""


NO_NEEDS = Needs()
_needs: ContextVar[Needs | None] = ContextVar("needs", default=None)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression and what it reads."""

    text: str
    reads: Reads
    program: cel.Expression
    tree: Tree

    @property
    def steps(self) -> frozenset[str]:
        """The steps whose results it reads."""
        return frozenset(path.steps[0] for path in self.reads.paths if path.root == "steps" and path.steps)

    @property
    def asks_status(self) -> bool:
        """Whether it asks how steps have ended, by a status function or by `steps.x.status`."""
        return bool(self.reads.functions & set(STATUS_FUNCTIONS)) or any(
            path.root == "steps" and path.steps[1:2] == ("status",) for path in self.reads.paths
        )

    def evaluate(self, scope: Mapping[str, Any], needs: Needs | None = None) -> Any:
        """The value as JSON: times are RFC 3339 texts, durations texts such as `5m`.

        Raises ExpressionError: a value that is not there, types that do not fit, too much work or result.
        """
        data = self._data(scope)
        grows = self.reads.loops or "_+_" in self.reads.functions
        if grows and cost.work(self.tree, data) > cost.MOST_WORK_BYTES:
            raise ExpressionError(f"{self.text}: would work through more than {cost.MOST_WORK_BYTES >> 20} MB")
        token = _needs.set(needs)
        try:
            found = self.program.eval(data=data)
            value = found.plain_value()
        except RuntimeError as error:
            raise ExpressionError(f"{self.text}: {_said(error)}") from error
        finally:
            _needs.reset(token)
        if found.type() == cel.Type.ERROR:
            raise ExpressionError(f"{self.text}: {_said(value)}")
        return self._bounded(value)

    def condition(self, scope: Mapping[str, Any], needs: Needs | None = None) -> bool:
        """Raises ExpressionError also where the value is neither true nor false."""
        value = self.evaluate(scope, needs)
        if not isinstance(value, bool):
            raise ExpressionError(f"{self.text}: gives {shown(value)}, not true or false")
        return value

    def _data(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """Only what it reads: the results of ten thousand steps are not handed over for one of them."""
        data: dict[str, Any] = {}
        for path in self.reads.paths:
            value = scope.get(path.root)
            if value is None:
                continue
            if path.steps and isinstance(value, Mapping):
                part: dict[str, Any] = data.setdefault(path.root, {})
                if path.steps[0] in value:
                    part[path.steps[0]] = value[path.steps[0]]
        # A variable read as a whole is handed over as a whole, whatever else is read of it.
        whole = {path.root for path in self.reads.paths if not path.steps} & scope.keys()
        return {**data, **{root: scope[root] for root in whole if scope[root] is not None}, **self._nulls(scope)}

    def _nulls(self, scope: Mapping[str, Any]) -> dict[str, None]:
        return {path.root: None for path in self.reads.paths if path.root in scope and scope[path.root] is None}

    def _bounded(self, value: Any) -> Any:
        try:
            found = _json(value)
        except ValueError as error:
            raise ExpressionError(f"{self.text}: {error}") from error
        if cost.weight(found) > LARGEST_RESULT_BYTES:
            raise ExpressionError(f"{self.text}: gives more than {LARGEST_RESULT_BYTES >> 10} KB")
        return found


@lru_cache(maxsize=20_000)
def compiled(text: str, wanted: Wanted = "any", variables: tuple[str, ...] = STEP_VARIABLES) -> Expression:
    """Raises ExpressionError with the column of what cannot be read."""
    try:
        program = _environment(variables).compile(text)
    except RuntimeError as error:
        raise ExpressionError(_said(error)) from error
    kind = program.return_type().name()
    if (
        wanted != "any"
        and kind not in ("DYN", _WANTED[wanted][0])
        and not kind.startswith(_WANTED[wanted][0] + "<")
    ):
        raise ExpressionError(f"{_WANTED[wanted][1]}, this is of type {kind}")
    tree = syntax.tree(program.serialize())
    return Expression(text, syntax.reads(tree), program, tree)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of the text matches, in time linear in its length. Raises ExpressionError."""
    return bool(
        compiled(_MATCHES, variables=_MATCH_VARIABLES).evaluate({"text": text, "pattern": f"^(?:{pattern})$"})
    )


def pattern_mistake(pattern: str) -> str | None:
    try:
        matches(pattern, "")
    except ExpressionError as error:
        return str(error).removeprefix(f"{_MATCHES}: ")
    return None


def shown(value: Any) -> str:
    """A value in an error's text, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


_MATCHES = "text.matches(pattern)"
_MATCH_VARIABLES = ("text", "pattern")


@lru_cache(maxsize=8)
def _environment(variables: tuple[str, ...]) -> cel.Env:
    answers = {
        "always": lambda: True,
        "success": lambda: (_needs.get() or NO_NEEDS).succeeded,
        "failure": lambda: (_needs.get() or NO_NEEDS).failed,
    }
    functions = [
        cel.FunctionDecl(name, [cel.Overload(name, return_type=cel.Type.BOOL, parameters=[], impl=answers[name])])
        for name in STATUS_FUNCTIONS
    ]
    return cel.NewEnv(variables=dict.fromkeys(variables, cel.Type.DYN), functions=functions)


def _said(error: object) -> str:
    """The library's words without its codes and its drawing of the place."""
    text = _OVER_STATUS.sub("", str(error))
    place = _PLACE.search(text)
    if place is None:
        return text.splitlines()[0].rpartition(" [")[0] or text.splitlines()[0]
    line, column, what = place.groups()
    where = f"column {column}" if line == "1" else f"line {line}, column {column}"
    what = what.removesuffix(" (in container '')")
    return f"{where}: {what}" if int(column) > 0 else what


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_key(key): _json(one) for key, one in cast("dict[Any, Any]", value).items()}
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"gives {value}, which JSON cannot say")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"gives a value of a kind that JSON cannot say ({type(value).__name__})")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(f"gives a mapping with the key {key!r}; keys are texts")
    return key


def _duration(value: timedelta) -> str:
    return f"-{written(-value)}" if value < timedelta(0) else written(value)
