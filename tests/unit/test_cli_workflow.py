"""copilot workflow validate: without a server, with the place of every mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors.cli.main import cli
from actors.workflow.shelf import DIRECTORY
from gateway.cli.later import WORKFLOW_LATER

GOOD = "name: x\nsteps:\n  - {id: a, uses: core.noop}\n"
BAD = """\
name: x
steps:
  - id: a
    uses: core.http
    with: {url: http://x.test/, methd: POST}
    needs: [b]
  - id: b
    uses: core.nop
    needs: [a]
"""


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["workflow", *arguments], input=given)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(BAD, encoding="utf-8")
    return path


def test_a_good_one_is_named_with_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD, encoding="utf-8")
    result = run("validate", str(path))
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{path}: ok: x, 1 step, ")


def test_every_mistake_has_its_place(bad: Path) -> None:
    result = run("validate", str(bad))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"{bad}:5:33: /steps/0/with/methd: core.http has no methd; did you mean method?",
        f"{bad}:6:5: /steps/0/needs: a cycle: a -> b -> a",
        f"{bad}:8:5: /steps/1/uses: unknown action core.nop; did you mean core.noop?",
    ]


def test_as_json(bad: Path) -> None:
    result = run("validate", "--json", str(bad))
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["file"], found["valid"]) == (str(bad), False)
    assert found["errors"][1] == {
        "pointer": "/steps/0/needs", "line": 6, "column": 5, "detail": "a cycle: a -> b -> a"
    }  # fmt: skip


def test_several_and_standard_input(bad: Path) -> None:
    result = run("validate", "-", str(bad), given=GOOD)
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>: ok: x")
    assert result.stderr.count(str(bad)) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("steps: [", "<stdin>: line 2, column 1: "),
        ("", "<stdin>: the text is empty"),
        ("- a", "<stdin>:1:1: must be a mapping"),
    ],
)
def test_what_cannot_be_read(text: str, said: str) -> None:
    result = run("validate", "-", given=text)
    assert result.exit_code == 1
    assert result.stderr.startswith(said)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = run("validate", str(tmp_path / "nothing.yaml"))
    assert result.exit_code == 2
    assert "nothing.yaml" in result.stderr


def test_what_ships_is_valid() -> None:
    result = run("validate", *(str(path) for path in DIRECTORY.glob("*.yaml")))
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) >= 12


@pytest.mark.parametrize("name", ["validate", *WORKFLOW_LATER])
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"copilot workflow {name}" in result.output
    if name in WORKFLOW_LATER:
        refused = run(name)
        assert refused.exit_code == 1
        assert f"`copilot workflow {name}` is not available yet" in refused.stderr
