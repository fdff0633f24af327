"""The lists of `words.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

WORDS: dict[str, frozenset[str]] = {
    name: frozenset(str(text).split())
    for name, text in tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8")).items()
}
