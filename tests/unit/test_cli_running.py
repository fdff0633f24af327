"""Which system runs: what a killed one left behind is not taken for a living one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from actors.platform import config
from gateway.cli import running
from gateway.cli.failure import Failed
from gateway.cli.running import PASSWORD_FILE, STATE_FILE, find, started_ticks


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COPILOT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COPILOT_SERVER__PORT", "18099")
    return config.load()


def told(data: Path, **changes: Any) -> None:
    state = {
        "pid": os.getpid(),
        "started_ticks": started_ticks(os.getpid()),
        "addresses": {"http": "http://127.0.0.1:7", "grpc": "127.0.0.1:8", "nats": "nats://127.0.0.1:9"},
        **changes,
    }
    (data / STATE_FILE).parent.mkdir(exist_ok=True)
    (data / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")


def test_a_living_system_is_found(tmp_path: Path) -> None:
    told(tmp_path)
    found = find(tmp_path)
    assert found is not None
    assert found.pid == os.getpid()
    assert found.told == "http http://127.0.0.1:7, grpc 127.0.0.1:8"


def test_nothing_there(tmp_path: Path) -> None:
    assert find(tmp_path) is None
    assert find(tmp_path / "nowhere") is None


def test_a_process_that_has_ended(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    told(tmp_path, pid=child.pid, started_ticks=started_ticks(child.pid))
    assert find(tmp_path) is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert find(tmp_path) is None, "its remains are no running system"
    child.communicate()
    assert find(tmp_path) is None


def test_a_pid_that_was_given_to_another_process(tmp_path: Path) -> None:
    told(tmp_path, started_ticks=(started_ticks(os.getpid()) or 0) - 1)
    assert find(tmp_path) is None


def test_a_file_cut_short(tmp_path: Path) -> None:
    told(tmp_path)
    text = (tmp_path / STATE_FILE).read_text(encoding="utf-8")
    (tmp_path / STATE_FILE).write_text(text[:20], encoding="utf-8")
    assert find(tmp_path) is None


def test_where_the_gateway_is_looked_for(settings: config.Settings) -> None:
    assert running.web_address(settings, None) == "http://127.0.0.1:18099"
    told(settings.data_path)
    assert running.web_address(settings, None) == "http://127.0.0.1:7"
    assert running.web_address(settings, "http://elsewhere:1/") == "http://elsewhere:1"


def test_the_bus_of_the_running_system_needs_its_password(settings: config.Settings) -> None:
    with pytest.raises(Failed, match="nothing runs"):
        running.bus_address(settings)
    told(settings.data_path)
    with pytest.raises(Failed, match="password"):
        running.bus_address(settings)
    (settings.data_path / PASSWORD_FILE).parent.mkdir()
    (settings.data_path / PASSWORD_FILE).write_text("word\n", encoding="utf-8")
    assert running.bus_address(settings) == "nats://internal:word@127.0.0.1:9"


def test_a_configured_bus_goes_first(settings: config.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told(settings.data_path)
    monkeypatch.setenv("COPILOT_NATS__URL", "nats://bus:4222")
    assert running.bus_address(config.load()) == "nats://bus:4222"
