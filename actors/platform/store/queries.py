"""A room's SQL: one file of named statements, each with a sentence saying what it decides.

-- name: close_turn
-- Only the owner at this epoch may close; a twin who lost the turn changes nothing.
UPDATE turn …
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def load(*paths: Path) -> Mapping[str, LiteralString]:
    """Name -> statement. Raises ValueError for a name used twice or a statement without its sentence."""
    queries: dict[str, LiteralString] = {}
    for path in paths:
        _read(path, queries)
    return queries


def bare(statement: LiteralString) -> LiteralString:
    """The statement as the server gets it: without its sentence and its indentation. The client library looks for
    parameters in the whole text, and remembers what it found in texts of up to 4,096 characters only."""
    lines = (line.strip() for line in statement.splitlines())
    return cast("LiteralString", "\n".join(line for line in lines if line and not line.startswith("--")))


def _read(path: Path, queries: dict[str, LiteralString]) -> None:
    parts = _NAME.split(path.read_text(encoding="utf-8"))
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        if name in queries:
            raise ValueError(f"{path.name}: {name} is there twice")
        if not text.strip().startswith("--"):
            raise ValueError(f"{path.name}: {name} needs a sentence that says what it decides")
        # The text comes from a file of this package, never from input: that is what LiteralString promises.
        queries[name] = cast("LiteralString", text.strip())
