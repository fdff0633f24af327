"""Every command of the contract is there and explains itself with an example."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from actors.cli.main import COMMANDS, cli
from gateway.cli.later import LATER

ROOT = Path(__file__).parents[2]
CONTRACT = (
    "up", "down", "status", "chat", "ask", "gateway", "actors", "scale", "migrate", "doctor", "config",
    "config show", "token", "token create", "workflow", "nlu", "nlu eval", "nlu parse", "knowledge", "memory",
    "apikey", "audit", "trigger", "eval", "eval nlu", "bench",
)  # fmt: skip
TARGETS = ("run", "test", "build", "test-unit", "test-int", "lint", "fmt", "coverage", "bench", "eval", "clean")
HEAVY = ("ray", "grpc", "numpy", "pydantic", "aiohttp", "psycopg", "opentelemetry")


@pytest.mark.parametrize("command", CONTRACT)
def test_help_has_an_example(command: str) -> None:
    result = CliRunner().invoke(cli, [*command.split(), "--help"])
    assert result.exit_code == 0, result.output
    assert re.search(r"^\s*Example.*:\n(?:    .*\n)*?    .*copilot ", result.output, re.MULTILINE)
    if command.split(maxsplit=1)[0] in LATER:
        assert "Not available yet" in result.output


def test_the_table_lists_the_contract() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    listed = set(re.findall(r"^  (\w+)  ", result.output, re.MULTILINE))
    assert listed == {command.split()[0] for command in CONTRACT}
    for name, entry in COMMANDS.items():
        assert entry.load().name == name


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom actors.cli.main import cli\ncli(['--help'], standalone_mode=False)\n"
        f"print('HEAVY', sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


@pytest.mark.parametrize("target", TARGETS)
def test_make_has_the_target(target: str) -> None:
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
