"""Commands that need no running system: doctor, config, token, and the examples that `up` prints."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actors.cli.main import cli
from actors.platform import config
from actors.platform.bus.identity import verify
from gateway.cli.examples import banner, examples
from gateway.cli.show import table
from gateway.cli.token import duration
from schemas.identity import owner_token

SECRET = "x" * 40
ADDRESSES = {"http": "http://127.0.0.1:7", "grpc": "127.0.0.1:8", "nats": "nats://127.0.0.1:9", "shop": None}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COPILOT_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_version(data: Path) -> None:
    assert run("--version").output.startswith("copilot 0.")


def test_config_shows_every_setting_and_no_secret(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_AUTH__JWT_SECRET", SECRET)
    monkeypatch.setenv("COPILOT_DATABASE__URL", "postgresql://me:hidden@db/copilot")
    shown = json.loads(run("config", "show", "--json").output)
    assert shown["settings"]["auth"]["jwt_secret"] == "***"
    assert shown["settings"]["database"]["url"] == "postgresql://me:***@db/copilot"
    assert shown["settings"]["data_dir"] == str(data)
    assert shown["running"] is False
    text = run("config", "show").output
    assert "server.port = 8080" in text
    assert "Nothing runs" in text
    assert SECRET not in text
    assert "hidden" not in text


def test_a_token_alone_is_on_stdout(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_AUTH__JWT_SECRET", SECRET)
    monkeypatch.setenv("COPILOT_AUTH__MODE", "jwt")
    result = run("token", "create", "--user", "ada", "--role", "viewer", "--role", "operator", "--ttl", "2h")
    identity = verify(config.load().auth, result.stdout.strip())
    assert (identity.user, set(identity.roles)) == ("ada", {"viewer", "operator"})
    assert result.stdout.count("\n") == 1
    assert f"_INBOX.{owner_token('ada')}" in result.stderr
    assert "7200 s" in result.stderr
    assert "nobody asks" not in result.stderr


def test_a_token_in_local_mode_comes_with_a_hint(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_AUTH__JWT_SECRET", SECRET)
    assert "nobody asks for a token" in run("token", "create", "--user", "ada", "--role", "viewer").stderr


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1_800), ("1h", 3_600), ("7d", 604_800), ("5", 5)]
)
def test_durations(text: str, seconds: int) -> None:
    assert duration(text) == seconds


def test_doctor_says_how_to_repair(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("COPILOT_SERVER__PORT", str(port))
        monkeypatch.setenv("COPILOT_DATABASE__URL", "postgresql://me:hidden@127.0.0.1:1/copilot")
        monkeypatch.setenv("COPILOT_REDIS__URL", "redis://127.0.0.1:1")
        monkeypatch.setenv("COPILOT_NATS__URL", "gopher://127.0.0.1:1")
        result = run("doctor")
    assert result.exit_code == 1
    assert f"warn  port http: {port} is taken" in result.output
    assert "fail  COPILOT_DATABASE__URL: postgresql://me:***@127.0.0.1:1/copilot: " in result.output
    assert "fail  COPILOT_REDIS__URL: " in result.output
    assert "gopher is not one of" in result.output
    assert "hidden" not in result.output
    assert "ok    python: 3." in result.output


def test_doctor_without_a_valid_configuration(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_AUTH__MODE", "jwt")
    result = run("doctor")
    assert result.exit_code == 1
    assert "fail  configuration: auth.jwt_secret" in result.output


def test_doctor_wants_a_directory_that_can_be_written(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data.parent / "file").touch()
    monkeypatch.setenv("COPILOT_DATA_DIR", str(data.parent / "file" / "data"))
    result = run("doctor")
    assert result.exit_code == 1
    assert "fail  data: " in result.output
    assert "set COPILOT_DATA_DIR" in result.output


@pytest.mark.parametrize("jwt", [False, True])
def test_examples_can_be_run(jwt: bool) -> None:
    """As far as that is possible without a system: shell and Python can read them."""
    found = dict(examples(ADDRESSES, jwt=jwt))
    assert {"the command line", "REST", "server-sent events", "WebSocket", "gRPC", "NATS"} <= set(found)
    for title, command in found.items():
        subprocess.run(["sh", "-n", "-c", command], check=True)
        if "<<'END'" in command:
            compile(command.partition("<<'END'\n")[2].removesuffix("END"), title, "exec")
        if title not in {"the command line", "a token first, for all that follows"}:
            assert ("TOKEN" in command) is jwt


def test_the_banner_names_addresses_and_notes() -> None:
    text = "\n".join(banner(ADDRESSES, ["port 8080 is taken"], jwt=False))
    assert "http     http://127.0.0.1:7" in text
    assert "shop     -" in text
    assert "note: port 8080 is taken" in text


def test_tables_are_aligned() -> None:
    assert table(("a", "long"), [("wide one", None), (1, 2)]) == ["a         long", "wide one  -", "1         2"]
