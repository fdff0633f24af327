"""The layers, the packages, and the SQL of the rooms."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from actors.platform.store import queries

ROOT = Path(__file__).parents[2]
DISTRIBUTION = "llm-copilot-agent"
QUERY_FILES = sorted((ROOT / "actors").rglob("queries.sql"))


def test_the_layers_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("package", ["actors", "gateway", "schemas"])
def test_nobody_else_provides_our_packages(package: str) -> None:
    """`schemas` and `actors` are names of other people's distributions too; one of them installed beside ours
    would hide or mix modules."""
    providers = set(importlib.metadata.packages_distributions().get(package, []))
    assert providers <= {DISTRIBUTION}
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin == str(ROOT / package / "__init__.py")


def test_rooms_have_sql() -> None:
    assert {path.parent.name for path in QUERY_FILES} >= {"context", "conversation"}


@pytest.mark.parametrize("path", QUERY_FILES, ids=lambda path: path.parent.name)
def test_every_statement_says_what_it_decides(path: Path) -> None:
    statements = queries.load(path)  # raises for one without its sentence
    assert statements
    for name, text in statements.items():
        sentence = text.splitlines()[0].removeprefix("--").strip()
        assert len(sentence.split()) >= 3, f"{name}: {sentence!r}"


def test_every_statement_is_used() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "actors").rglob("*.py"))
    unused = [
        f"{path.parent.name}: {name}"
        for path in QUERY_FILES
        for name in queries.load(path)
        if f'"{name}"' not in sources
    ]
    assert unused == []
