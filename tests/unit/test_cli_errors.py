"""What commands say when they cannot: one line on stderr, and an exit code that is not 0."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors.cli.main import cli
from gateway.cli.later import LATER
from gateway.cli.running import STATE_FILE, started_ticks


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory where nothing runs, and a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in [name for name in os.environ if name.startswith("COPILOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COPILOT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COPILOT_SERVER__PORT", str(port))
    return tmp_path / "data"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def refused(*arguments: str) -> str:
    """What the command says of its failure: all of it is one line."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.stderr.startswith("copilot: ")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr


@pytest.mark.parametrize("command", ["down", "status", "migrate", "scale nlp=2", "gateway"])
def test_nothing_runs(data: Path, command: str) -> None:
    said = refused(*command.split())
    assert "copilot up" in said


@pytest.mark.parametrize("command", ["ask hello", "ask --json hello"])
def test_nobody_answers(data: Path, command: str) -> None:
    said = refused(*command.split())
    assert os.environ["COPILOT_SERVER__PORT"] in said
    assert "--url" in said


def test_a_chat_goes_on_after_an_error(data: Path) -> None:
    result = CliRunner().invoke(cli, ["chat"], input="hello\n/help\n")
    assert result.exit_code == 0
    assert "nobody answers" in result.stderr
    assert "/new starts a new session" in result.stdout


@pytest.mark.parametrize(
    "command", ["up", "status", "ask hello", "config show", "token create --user a --role viewer"]
)
def test_a_mistyped_setting_names_the_nearest(data: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COPILOT_SERVER__PROT", "1")
    assert "did you mean COPILOT_SERVER__PORT?" in refused(*command.split())


def test_running_twice_names_pid_and_addresses(data: Path) -> None:
    state = {
        "pid": os.getpid(),
        "started_ticks": started_ticks(os.getpid()),
        "addresses": {"http": "http://127.0.0.1:7", "grpc": "127.0.0.1:8", "nats": None},
    }
    (data / STATE_FILE).parent.mkdir(parents=True)
    (data / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")
    for command in (["up"], ["up", "--detach"]):
        said = refused(*command)
        assert f"pid {os.getpid()}" in said
        assert "http://127.0.0.1:7" in said
        assert "127.0.0.1:8" in said


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("scale foo=2", "there is no pool 'foo': conversation"),
        ("scale nlp", "'nlp' is not POOL=N"),
        ("scale nlp=65", "at most 64"),
        ("actors --pools nlp,foo", "there is no pool foo"),
        ("actors", "COPILOT_NATS__URL and COPILOT_DATABASE__URL"),
        ("up --runtime local --address ray://x", "--runtime local"),
        ("token create --user a --role viewer", "COPILOT_AUTH__JWT_SECRET"),
        ("token create --user a --role viewer --ttl soon", "90s, 30m, 1h or 7d"),
        ("ask --url nonsense hello", "http://127.0.0.1:8080"),
    ],
)
def test_what_is_wrong_is_named(data: Path, command: str, expected: str) -> None:
    assert expected in refused(*command.split())


def test_an_unreachable_database_is_one_line(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "COPILOT_DATABASE__URL", "postgresql://copilot:hidden@127.0.0.1:1/copilot?connect_timeout=2"
    )
    result = run("migrate")
    assert result.exit_code == 1
    assert "Connection refused" in result.stderr
    assert "hidden" not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("name", sorted(LATER))
def test_later_commands_say_so(data: Path, name: str) -> None:
    assert f"`copilot {name}` is not available yet" in refused(name, "run", "--some", "option")


def test_a_defect_keeps_its_traceback(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError("a defect")

    monkeypatch.setattr("gateway.cli.ask.load", broken)
    result = run("ask", "hello")
    assert isinstance(result.exception, KeyError)
