"""What a compiled CEL expression consists of, read from its serialised form.

The library gives an expression's tree as bytes of the message `cel.expr.CheckedExpr` of the CEL specification
(github.com/google/cel-spec, proto/cel/expr/{checked,syntax}.proto); the fields that matter are declared below.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# message: {field: (number, type)}; a type is a message's name, or one of the scalar types; "*" repeats it
_MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
    "CheckedExpr": {"expr": (4, "Expr")},
    "Constant": {"string_value": (6, "string"), "bytes_value": (7, "bytes")},
    "Ident": {"name": (1, "string")},
    "Select": {"operand": (1, "Expr"), "field": (2, "string"), "test_only": (3, "bool")},
    "Call": {"target": (1, "Expr"), "function": (2, "string"), "args": (3, "Expr*")},
    "CreateList": {"elements": (1, "Expr*")},
    "Entry": {"map_key": (3, "Expr"), "value": (4, "Expr")},
    "CreateStruct": {"entries": (2, "Entry*")},
    "Comprehension": {
        "iter_var": (1, "string"),
        "iter_var2": (8, "string"),
        "iter_range": (2, "Expr"),
        "accu_var": (3, "string"),
        "accu_init": (4, "Expr"),
        "loop_condition": (5, "Expr"),
        "loop_step": (6, "Expr"),
        "result": (7, "Expr"),
    },
    "Expr": {
        "const_expr": (3, "Constant"),
        "ident_expr": (4, "Ident"),
        "select_expr": (5, "Select"),
        "call_expr": (6, "Call"),
        "list_expr": (7, "CreateList"),
        "struct_expr": (8, "CreateStruct"),
        "comprehension_expr": (9, "Comprehension"),
    },
}
_PACKAGE = "copilot.cel"
_FIELD = descriptor_pb2.FieldDescriptorProto


def _field(name: str, number: int, kind: str) -> descriptor_pb2.FieldDescriptorProto:
    scalars = {"string": _FIELD.TYPE_STRING, "bytes": _FIELD.TYPE_BYTES, "bool": _FIELD.TYPE_BOOL}
    plain = kind.removesuffix("*")
    return _FIELD(
        name=name,
        number=number,
        label=_FIELD.LABEL_REPEATED if kind.endswith("*") else _FIELD.LABEL_OPTIONAL,
        type=scalars.get(plain, _FIELD.TYPE_MESSAGE),
        type_name=None if plain in scalars else f".{_PACKAGE}.{plain}",
    )


def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="copilot/cel.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        message.field.extend(_field(field, number, kind) for field, (number, kind) in fields.items())
        if name == "Expr":
            message.oneof_decl.add(name="expr_kind")
            for field in message.field:
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # pyright: ignore[reportUnknownMemberType]
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_CLASS = _classes()
_LEAVES = ("const_expr", None)

Tree = Any
"""An `Expr`; `WhichOneof("expr_kind")` says which."""


def tree(serialised: bytes) -> Tree:
    return _CLASS["CheckedExpr"].FromString(_CLASS["Any"].FromString(serialised).value).expr


@dataclass(frozen=True, slots=True)
class Path:
    """A variable and the constant steps into it: `steps.go.output` is `steps`, (`go`, `output`)."""

    root: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reads:
    """The paths that an expression reads, its functions, and whether it loops over anything."""

    paths: frozenset[Path]
    functions: frozenset[str]
    loops: bool


def reads(expression: Tree) -> Reads:
    paths: set[Path] = set()
    functions: set[str] = set()
    loops = False
    todo: list[tuple[Tree, frozenset[str]]] = [(expression, frozenset())]
    while todo:
        node, bound = todo.pop()
        kind = node.WhichOneof("expr_kind")
        if kind in _LEAVES:
            continue
        found = path(node, kind)
        if found is not None:
            if found.root not in bound:
                paths.add(found)
            continue
        if kind == "call_expr":
            functions.add(node.call_expr.function)
        elif kind == "comprehension_expr":
            loops = True
        todo.extend(_children(node, kind, bound))
    return Reads(frozenset(paths), frozenset(functions), loops)


def path(node: Tree, kind: str | None = None) -> Path | None:
    """None for what is no variable with constant steps behind it. `kind` where it is known already."""
    steps: list[str] = []
    kind = kind or node.WhichOneof("expr_kind")
    while kind != "ident_expr":
        if kind == "select_expr":
            select = node.select_expr
            steps.append(select.field)
            node = select.operand
        elif kind == "call_expr" and node.call_expr.function == "_[_]" and _is_text(node.call_expr.args[1]):
            steps.append(node.call_expr.args[1].const_expr.string_value)
            node = node.call_expr.args[0]
        else:
            return None
        kind = node.WhichOneof("expr_kind")
    return Path(node.ident_expr.name, tuple(reversed(steps)))


def _is_text(node: Tree) -> bool:
    # An unset string reads as "" too: only a constant of this very length in bytes is one.
    return node.WhichOneof("expr_kind") == "const_expr" and node.const_expr.string_value != ""


def _children(node: Tree, kind: str, bound: frozenset[str]) -> Iterator[tuple[Tree, frozenset[str]]]:
    if kind == "select_expr":
        yield node.select_expr.operand, bound
    elif kind == "call_expr":
        if node.call_expr.HasField("target"):
            yield node.call_expr.target, bound
        yield from ((one, bound) for one in node.call_expr.args)
    elif kind == "list_expr":
        yield from ((one, bound) for one in node.list_expr.elements)
    elif kind == "struct_expr":
        for entry in node.struct_expr.entries:
            yield entry.map_key, bound
            yield entry.value, bound
    elif kind == "comprehension_expr":
        loop = node.comprehension_expr
        inside = bound | {loop.accu_var, loop.iter_var, *filter(None, (loop.iter_var2,))}
        yield loop.iter_range, bound
        yield loop.accu_init, bound
        yield from ((one, inside) for one in (loop.loop_condition, loop.loop_step, loop.result))
