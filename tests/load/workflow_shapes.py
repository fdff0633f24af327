"""Graphs of many steps."""

from __future__ import annotations

from typing import Any


def wide(steps: int, width: int, uses: str) -> dict[str, Any]:
    """One step, then `width` beside each other, then what is left of `steps` to join them, then one."""
    made: list[dict[str, Any]] = [{"id": "first", "uses": uses}]
    made += [{"id": f"w{n}", "uses": uses, "needs": ["first"]} for n in range(width)]
    joins = steps - width - 2
    share = -(-width // joins)
    for n in range(joins):
        needs = [f"w{m}" for m in range(n * share, min((n + 1) * share, width))] or ["first"]
        made.append({"id": f"j{n}", "uses": uses, "needs": needs})
    made.append({"id": "last", "uses": uses, "needs": [f"j{n}" for n in range(joins)]})
    return {"name": "wide", "steps": made}


def layered(layers: int, width: int, uses: str) -> dict[str, Any]:
    """Every step of a layer needs two of the one before."""
    made = [
        {
            "id": f"l{layer}s{n}",
            "uses": uses,
            "needs": [f"l{layer - 1}s{n}", f"l{layer - 1}s{(n + 1) % width}"] if layer else [],
        }
        for layer in range(layers)
        for n in range(width)
    ]
    return {"name": "layered", "steps": made}
