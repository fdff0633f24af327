"""What an expression would cost at most on the values at hand, before it runs.

CEL always ends, and the library stops after ten thousand rounds of loops; but each round may copy or search all
of a large value. The estimate follows the expression's tree with sizes in place of values, as cel-go's does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from actors.workflow.definition.syntax import Path, Tree, path

MOST_ROUNDS = 10_000
"""Of all loops of one expression together: the library's own budget."""
MOST_WORK_BYTES = 64 << 20
"""That an expression may read or write; about a third of a second."""
_PLAIN = 16
"""Bytes of a number and the like."""
_TELLS = frozenset(
    {"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "!_", "@in", "@not_strictly_false", "size"}
    | {"contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "bool", "timestamp", "duration"}
)
"""Functions whose result is a plain value, whatever they look at."""


@dataclass(frozen=True, slots=True)
class Size:
    """At most: bytes, how many items it has, and the bytes of the largest of them."""

    total: int = _PLAIN
    items: int = 0
    item: int = 0

    def __or__(self, other: Size) -> Size:
        return Size(max(self.total, other.total), max(self.items, other.items), max(self.item, other.item))

    def __add__(self, other: Size) -> Size:
        return Size(self.total + other.total, self.items + other.items, max(self.item, other.item))

    def times(self, rounds: int) -> Size:
        return Size(self.total * rounds, self.items * rounds, self.item)


def weight(value: Any) -> int:
    """The size of a JSON value in bytes, about."""
    return _size(value).total


def work(expression: Tree, scope: Mapping[str, Any]) -> int:
    """Bytes that the expression reads and writes at most with these values of its variables."""
    estimate = _Estimate(scope)
    estimate.size(expression, {}, 1)
    return estimate.work


def _size(value: Any) -> Size:
    if isinstance(value, str):
        return Size(_PLAIN + len(value))
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        keys = [len(key) for key in entries]
        inner = [_size(one).total for one in entries.values()]
        return Size(_PLAIN + sum(inner) + sum(keys), len(inner), max([*keys, *inner], default=0) + _PLAIN)
    if isinstance(value, list | tuple):
        inner = [_size(one).total for one in cast("list[Any]", value)]
        return Size(_PLAIN + sum(inner), len(inner), max(inner, default=0))
    return Size()


Bound = Mapping[str, Size]


class _Estimate:
    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = scope
        self._measured: dict[Path, Size] = {}
        self.work = 0

    def size(self, node: Tree, bound: Bound, rounds: int) -> Size:
        """Of the node's value; its work, done `rounds` times, is added."""
        found = self._found(node, bound, rounds)
        self.work += found.total * rounds
        return found

    def _found(self, node: Tree, bound: Bound, rounds: int) -> Size:
        way = path(node)
        if way is not None:
            return self._variable(way, bound)
        kind = node.WhichOneof("expr_kind")
        if kind == "const_expr":
            return Size(_PLAIN + len(node.const_expr.string_value) + len(node.const_expr.bytes_value))
        if kind == "select_expr":
            return _inside(self.size(node.select_expr.operand, bound, rounds))
        if kind == "call_expr":
            return self._call(node.call_expr, bound, rounds)
        if kind == "comprehension_expr":
            return self._loop(node.comprehension_expr, bound, rounds)
        if kind == "list_expr":
            inner = [self.size(one, bound, rounds).total for one in node.list_expr.elements]
        else:
            entries = node.struct_expr.entries
            inner = [self.size(e.map_key, bound, rounds).total for e in entries]
            inner += [self.size(e.value, bound, rounds).total for e in entries]
        return Size(_PLAIN + sum(inner), len(inner), max(inner, default=0))

    def _variable(self, way: Path, bound: Bound) -> Size:
        if way.root in bound:
            return _inside(bound[way.root]) if way.steps else bound[way.root]
        if way not in self._measured:
            value: Any = self._scope.get(way.root)
            for step in way.steps:
                value = cast("Mapping[str, Any]", value).get(step) if isinstance(value, Mapping) else None
            self._measured[way] = _size(value)
        return self._measured[way]

    def _call(self, call: Any, bound: Bound, rounds: int) -> Size:
        operands = [call.target] if call.HasField("target") else []
        sizes = [self.size(one, bound, rounds) for one in (*operands, *call.args)]
        if call.function in _TELLS:
            return Size()
        if call.function == "_[_]":
            return _inside(sizes[0])
        found = Size()
        for size in sizes:
            found = found + size if call.function == "_+_" else found | size
        return found

    def _loop(self, loop: Any, bound: Bound, rounds: int) -> Size:
        over = self.size(loop.iter_range, bound, rounds)
        times = min(over.items, MOST_ROUNDS)
        inner_rounds = min(rounds * times, MOST_ROUNDS)
        start = self.size(loop.accu_init, bound, rounds)
        item = Size(over.item, over.item // _PLAIN, over.item)
        # What one round adds to what is gathered: the round is walked with nothing gathered so far.
        inside = {**bound, loop.iter_var: item, loop.iter_var2: item, loop.accu_var: Size(0)}
        self.size(loop.loop_condition, inside, inner_rounds)
        gathered = start + self.size(loop.loop_step, inside, inner_rounds).times(times)
        # Each round copies the list gathered so far.
        self.work += gathered.items // 2 * _PLAIN * inner_rounds
        return self.size(loop.result, {**inside, loop.accu_var: gathered}, rounds)


def _inside(size: Size) -> Size:
    """Of a part: no larger than the whole."""
    return Size(size.total, size.total // _PLAIN, size.total)
