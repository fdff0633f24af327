"""A PromQL query as its parser sees it: what is asserted about queries is asserted on this, not on their text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import promql_parser as parser

_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
COMPARISONS = (">", ">=", "<", "<=", "==", "!=")


@dataclass(frozen=True)
class Seen:
    """A selector; `around` are the functions and aggregations that it is inside of, the nearest first."""

    metric: str
    matchers: frozenset[tuple[str, str, str]]
    window: float
    """Seconds that the selector and the subqueries around it look back."""
    offset: float
    at_end: bool
    around: tuple[str, ...]

    def value(self, label: str) -> tuple[str, str] | None:
        """Operator and value of the matcher on this label."""
        return next(((op, value) for name, op, value in self.matchers if name == label), None)


@dataclass(frozen=True)
class Aggregated:
    op: str
    by: tuple[str, ...]
    parameter: float | None


@dataclass
class Tree:
    selectors: list[Seen] = field(default_factory=list)
    aggregations: list[Aggregated] = field(default_factory=list)
    calls: list[tuple[str, tuple[float, ...]]] = field(default_factory=list)
    """Function and its numbers."""
    comparisons: list[tuple[str, float]] = field(default_factory=list)
    """With a number on the right: operator and number."""
    top: str = ""
    """What the whole is: an aggregation's or a function's name, or an operator."""

    def of(self, metric: str) -> list[Seen]:
        return [one for one in self.selectors if one.metric == metric]

    @property
    def metrics(self) -> set[str]:
        return {one.metric for one in self.selectors}


def read(text: str) -> Tree:
    """Raises ValueError for what is not PromQL."""
    tree, root = Tree(), _bare(parser.parse(text))
    tree.top = _name(root)
    _walk(root, tree, ())
    return tree


def _walk(node: Any, tree: Tree, around: tuple[Any, ...]) -> None:
    node = _bare(node)
    if isinstance(node, parser.VectorSelector | parser.MatrixSelector):
        tree.selectors.append(_seen(node, around))
        return
    if isinstance(node, parser.AggregateExpr):
        labels = tuple(node.modifier.labels) if node.modifier else ()
        parameter = node.param.val if isinstance(node.param, parser.NumberLiteral) else None
        tree.aggregations.append(Aggregated(str(node.op), labels, parameter))
    if isinstance(node, parser.Call):
        numbers = tuple(one.val for one in node.args if isinstance(one, parser.NumberLiteral))
        tree.calls.append((node.func.name, numbers))
    if _compares(node):
        tree.comparisons.append((str(node.op), node.rhs.val))
    for child in _children(node):
        _walk(child, tree, (node, *around))


def _compares(node: Any) -> bool:
    """With a number, and keeps what it holds for."""
    if not isinstance(node, parser.BinaryExpr) or not isinstance(node.rhs, parser.NumberLiteral):
        return False
    return str(node.op) in COMPARISONS and not (node.modifier and node.modifier.return_bool)


def _seen(node: Any, around: tuple[Any, ...]) -> Seen:
    selector = node.vector_selector if isinstance(node, parser.MatrixSelector) else node
    window = node.range.total_seconds() if isinstance(node, parser.MatrixSelector) else 0.0
    subqueries = [one for one in around if isinstance(one, parser.SubqueryExpr)]
    offsets = [selector.offset, *(one.offset for one in subqueries)]
    matchers = frozenset(
        (one.name, _OPERATORS[str(one.op).rpartition(".")[2]], one.value) for one in selector.matchers.matchers
    )
    return Seen(
        metric=selector.name,
        matchers=matchers,
        window=window + sum(one.range.total_seconds() for one in subqueries),
        offset=sum(one.total_seconds() for one in offsets if one is not None),
        at_end=any(str(one.at) == "@ end()" for one in (selector, *subqueries) if one.at is not None),
        around=tuple(_name(one) for one in around if isinstance(one, parser.Call | parser.AggregateExpr)),
    )


def _bare(node: Any) -> Any:
    while isinstance(node, parser.ParenExpr):
        node = node.expr
    return node


def _name(node: Any) -> str:
    if isinstance(node, parser.Call):
        return node.func.name
    return str(getattr(node, "op", type(node).__name__))


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, parser.BinaryExpr):
        yield from (node.lhs, node.rhs)
    elif isinstance(node, parser.Call):
        yield from node.args
    elif isinstance(node, parser.AggregateExpr | parser.SubqueryExpr | parser.UnaryExpr):
        yield node.expr
