"""Lists of words from the tables beside this file."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def table(name: str) -> dict[str, dict[str, Any]]:
    """`name`.toml, as it stands."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def words(name: str, section: str, key: str = "words") -> frozenset[str]:
    return frozenset(str(table(name)[section][key]).split())
