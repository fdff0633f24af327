"""`.env.example` lists every setting with its default, and nothing else."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from actors.platform import config

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"
LINE = re.compile(r"^#(COPILOT_[A-Z0-9_]+)=(.*)$", re.MULTILINE)


def leaves(tree: Mapping[str, Any], path: str = "COPILOT_") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key.upper()}__")
        else:
            yield f"{path}{key.upper()}", value


def listed() -> dict[str, str]:
    return dict(LINE.findall(EXAMPLE.read_text(encoding="utf-8")))


def test_every_setting_is_listed_with_its_default() -> None:
    defaults = dict(leaves(tomllib.loads(config.DEFAULTS.read_text(encoding="utf-8"))))
    wanted = {name: value if isinstance(value, str) else json.dumps(value) for name, value in defaults.items()}
    assert listed() == wanted


def test_uncommented_it_gives_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    defaults = config.load()
    (tmp_path / ".env").write_text(
        "\n".join(f"{name}={value}" for name, value in listed().items()), encoding="utf-8"
    )
    assert config.load() == defaults
