"""The system that runs on this data directory, as it told of itself in `run/copilot.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from actors.platform.config import Settings
from gateway.cli.failure import Failed

STATE_FILE = Path("run") / "copilot.json"
PASSWORD_FILE = Path("nats") / "internal.password"
INTERNAL_USER = "internal"
NOT_RUNNING = "nothing runs on {data}: start it with `copilot up`, or name another directory with COPILOT_DATA_DIR"


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """`state` is what `System.state()` says: addresses (name -> URL or None), processes, notes."""

    pid: int
    state: Mapping[str, Any]

    @property
    def addresses(self) -> Mapping[str, str | None]:
        return cast("Mapping[str, str | None]", self.state["addresses"])

    @property
    def told(self) -> str:
        return ", ".join(
            f"{name} {url}" for name, url in self.addresses.items() if url and name in ("http", "grpc")
        )


def find(data: Path) -> RunningSystem | None:
    """None where nothing runs. A file that a killed system left behind names a process that is gone, or another
    one with its pid: the start time tells them apart. Raises Failed for a file that is not for our eyes."""
    path = data / STATE_FILE
    try:
        state = cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None
    except PermissionError as error:
        raise Failed(f"{path} cannot be read: run this as the user that started the system") from error
    pid = int(state["pid"])
    return RunningSystem(pid, state) if started_ticks(pid) == state["started_ticks"] else None


def need(settings: Settings) -> RunningSystem:
    """Raises Failed when nothing runs."""
    running = find(settings.data_path)
    if running is None:
        raise Failed(NOT_RUNNING.format(data=settings.data_path))
    return running


def started_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since the boot; None when there is none, or only its remains."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name before it may hold spaces and parentheses
    return None if fields[0] == "Z" else int(fields[19])


def web_address(settings: Settings, url: str | None) -> str:
    """The gateway's base URL: named, of the running system, or where the settings place it."""
    if url:
        return url.rstrip("/")
    running = find(settings.data_path)
    if running is not None and running.addresses["http"]:
        return running.addresses["http"]
    host = settings.server.host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.server.port}"


def bus_address(settings: Settings) -> str:
    """The copilot's own NATS URL. Raises Failed when none is configured and nothing runs."""
    if settings.nats.url:
        return settings.nats.url
    public = need(settings).addresses["nats"] or ""
    try:
        password = (settings.data_path / PASSWORD_FILE).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Failed(f"the password of the embedded NATS cannot be read: {error}") from error
    return f"nats://{INTERNAL_USER}:{password}@{public.removeprefix('nats://')}"
