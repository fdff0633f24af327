"""The lists of `words.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_READ: dict[str, Any] = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))

WORDS: dict[str, frozenset[str]] = {
    name: frozenset(text.split()) for name, text in _READ.items() if isinstance(text, str)
}
NOUNS: dict[str, str] = {noun: kind for kind, nouns in _READ["nouns"].items() for noun in str(nouns).split()}
"""Noun -> the entity type that it stands for."""
