"""PromQL from typed parts, and the check that every query passes before it runs.

Nothing a person wrote is pasted: label values are quoted here, names must look like names, and whatever comes
out is parsed once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal, NewType

import promql_parser

from schemas.errors import InvalidInput, Violation
from schemas.plans import TimeRange

LONGEST_SECONDS = 30 * 86_400
MOST_POINTS = 11_000
"""Prometheus' own limit per series."""
MOST_NESTING = 100
"""Brackets and operators together. The parser recurses, and time to walk its tree grows with the cube."""
MOST_PARTS = 400
"""The same, of what is known not to be deep."""
LONGEST_QUERY = 20_000

Expression = NewType("Expression", str)
"""PromQL that was built here."""

Operator = Literal["=", "!=", "=~", "!~"]

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_REGEX_META = re.compile(r"[\\.+*?()|\[\]{}^$]")
_CLASS = re.compile(r"[1-5][xX]{2}")
_NOT_CODE = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*", re.DOTALL)
_NESTS = re.compile(r"[(\-+*/%^<>=!@]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Matcher:
    """`value` is any text; for `=~` and `!~` a regular expression (RE2) that was built here."""

    label: str
    op: Operator
    value: str

    def __str__(self) -> str:
        return f"{label_name(self.label)}{self.op}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    metric: str
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        inside = ",".join(str(matcher) for matcher in self.matchers)
        return f"{metric_name(self.metric)}{{{inside}}}" if inside else metric_name(self.metric)

    def where(self, *more: Matcher) -> Selector:
        return Selector(self.metric, (*self.matchers, *more))


@dataclass(frozen=True, slots=True)
class Query:
    """A query that parses and keeps within the limits; there is no other kind.

    Raises InvalidInput: not PromQL (with the parser's words), looks back more than 30 days, evaluates a
    subquery at more than 11,000 points, nests too deeply.
    """

    text: str
    most_nesting: int = MOST_NESTING
    lookback_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lookback_seconds", _check(self.text, self.most_nesting))

    @classmethod
    def of(cls, built: Expression) -> Query:
        """What was built here may be wide, with many parts beside each other; it is never deep."""
        return cls(built, MOST_PARTS)


# --- building --------------------------------------------------------------------------------------


def quoted(value: str) -> str:
    """A PromQL string that means exactly `value`. Raises InvalidInput for what UTF-8 cannot carry."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("a label value is not valid Unicode text") from error
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    if character in '\\"':
        return "\\" + character
    if character == "\n":
        return "\\n"
    # U+FFFD is escaped as well: Prometheus' lexer takes it for a sign of broken UTF-8. And U+FEFF, which the
    # lexers of Loki and Tempo allow at the beginning of a text only.
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x20 or code in {0x7F, 0xFEFF, 0xFFFD} else character


def one_of(label: str, values: Iterable[str]) -> Matcher:
    """The label has one of the values, taken literally."""
    listed = tuple(values)
    if len(listed) == 1:
        return Matcher(label, "=", listed[0])
    return Matcher(label, "=~", "|".join(literally(value) for value in listed))


def literally(value: str) -> str:
    """A regular expression (RE2) that matches exactly this text."""
    return _REGEX_META.sub(lambda found: "\\" + found[0], value)


def of_status(label: str, values: Iterable[str]) -> Matcher:
    """One of the statuses; `5xx` is every one of that class."""
    listed = tuple(values)
    if not any(_CLASS.fullmatch(value) for value in listed):
        return one_of(label, listed)
    expressions = (f"{value[0]}.." if _CLASS.fullmatch(value) else literally(value) for value in listed)
    return Matcher(label, "=~", "|".join(expressions))


def metric_name(name: str) -> str:
    """Raises InvalidInput where it cannot be the name of a metric."""
    if not _METRIC.fullmatch(name):
        raise InvalidInput(f"{name!r} is not the name of a metric")
    return name


def label_name(name: str) -> str:
    """Raises InvalidInput where it cannot be the name of a label."""
    if not _LABEL.fullmatch(name):
        raise InvalidInput(f"{name!r} is not the name of a label")
    return name


# --- checking --------------------------------------------------------------------------------------


def window_seconds(over: TimeRange) -> int:
    """The range in whole seconds, at least 1. Raises InvalidInput above 30 days."""
    if over.seconds > LONGEST_SECONDS:
        raise _invalid("/range", f"is longer than {LONGEST_SECONDS // 86_400} days")
    return max(1, round(over.seconds))


def check_points(over: TimeRange, step_seconds: float) -> None:
    """Raises InvalidInput where a range query would give more than 11,000 points a series."""
    window_seconds(over)
    points = int(over.seconds / step_seconds) + 1
    if points > MOST_POINTS:
        raise _invalid("/step_seconds", f"gives {points:,} points a series; {MOST_POINTS:,} are the most")


@lru_cache(maxsize=4_096)
def _check(text: str, most_nesting: int) -> float:
    """The look-back in seconds. Kept: the same questions come again and again, only at another time."""
    if len(text) > LONGEST_QUERY:
        raise _invalid("/query", f"is longer than {LONGEST_QUERY:,} characters")
    if len(_NESTS.findall(_NOT_CODE.sub(" ", text))) > most_nesting:
        raise _invalid("/query", f"has more than {most_nesting} brackets and operators")
    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        raise _invalid("/query", f"is not PromQL: {error}") from error
    bounds = _Bounds()
    promql_parser.walk(tree, bounds.enter, bounds.leave)
    return bounds.longest


class _Bounds:
    """Follows the ranges and subqueries on the way down the tree."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._ranges = [0.0]
        self._points = [1.0]

    def enter(self, node: Any) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            self._look_back(self._ranges[-1] + node.range.total_seconds())
        elif isinstance(node, promql_parser.SubqueryExpr):
            self._enter_subquery(_seconds(node.range, 0.0), _seconds(node.step, 60.0))

    def leave(self, node: Any) -> None:
        if isinstance(node, promql_parser.SubqueryExpr):
            self._ranges.pop()
            self._points.pop()

    def _enter_subquery(self, seconds: float, step: float) -> None:
        self._ranges.append(self._ranges[-1] + seconds)
        self._points.append(self._points[-1] * (seconds / step + 1))
        self._look_back(self._ranges[-1])
        if self._points[-1] > MOST_POINTS:
            raise _invalid("/query", f"evaluates a subquery at more than {MOST_POINTS:,} points")

    def _look_back(self, seconds: float) -> None:
        self.longest = max(self.longest, seconds)
        if seconds > LONGEST_SECONDS:
            raise _invalid("/query", f"looks back more than {LONGEST_SECONDS // 86_400} days")


def _seconds(duration: timedelta | None, default: float) -> float:
    return duration.total_seconds() if duration else default


def _invalid(pointer: str, detail: str) -> InvalidInput:
    what = pointer.removeprefix("/")
    return InvalidInput(f"the {what} {detail}", violations=(Violation(pointer=pointer, detail=detail),))
