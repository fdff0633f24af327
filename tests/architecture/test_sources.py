"""What holds for every source file."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("actors", "gateway", "schemas")
SOURCES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if not path.name.endswith(("_pb2.py", "_pb2_grpc.py"))
)
LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
SQL = re.compile(
    r"\s*(SELECT\s|INSERT\s+INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|(CREATE|ALTER|DROP)\s+[A-Z]+\s|WITH\s+\w+\s+AS\s)"
)
SQL_ALLOWED = ("actors/platform/store/", "actors/embedded/postgresql.py")  # the latter makes the server's database
FORBIDDEN_NAMES = {"manager", "helper", "helpers", "utils", "misc", "common", "base"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string, the fixed parts of f-strings included, docstrings left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def test_there_are_sources() -> None:
    assert len(SOURCES) > 100


def test_subjects_are_written_in_one_place_only() -> None:
    found = [
        f"{name(path)}:{line}: {text}"
        for path in SOURCES
        if name(path) != "schemas/subjects.py"
        for line, text in strings(path)
        if text.startswith("copilot.v1.")
    ]
    assert not found, "declare it in schemas/subjects.py:\n" + "\n".join(found)


def test_sql_stands_in_sql_files() -> None:
    found = [
        f"{name(path)}:{line}: {text[:60]}"
        for path in SOURCES
        if not name(path).startswith(SQL_ALLOWED)
        for line, text in strings(path)
        if SQL.match(text)
    ]
    assert not found, "put it into the room's queries.sql:\n" + "\n".join(found)


def test_ray_is_imported_by_the_pool_alone() -> None:
    found: list[str] = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if any(module.split(".")[0] == "ray" for module in modules):
                found.append(name(path))
    assert found, "the runtime on Ray has gone: this test looks at nothing"
    assert {path for path in found if not path.startswith("actors/platform/pool/")} == set()


def test_modules_and_functions_are_short() -> None:
    long: list[str] = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > LONGEST_MODULE:
            long.append(f"{name(path)}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{name(path)}:{node.lineno} {node.name}: {lines} lines")
    assert not long, "\n".join(long)


def test_file_names_say_something() -> None:
    assert [name(path) for path in SOURCES if path.stem in FORBIDDEN_NAMES] == []


def test_tracked_files_name_no_machine_and_no_index() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    # Written in pieces, so that this file does not find itself.
    pattern = re.compile(
        "|".join(("/" + "root/", "/" + "home/", "/" + "work/", "py" + r"pi\.", "python" + "hosted"))
    )
    found: list[str] = []
    for relative in filter(None, listed.stdout.split("\0")):
        path = ROOT / relative
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{relative}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)
