"""What `copilot doctor` looks at. Each check says what it found, and the remedy where something is wrong."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actors.cli.reach import reach
from actors.embedded import demo, nats, postgresql_files, prometheus, valkey
from actors.embedded.errors import ServerUnavailable
from actors.platform.config import Settings, mask_url
from gateway.cli.running import RunningSystem

Level = Literal["ok", "warn", "fail"]
NEEDED_DISK_BYTES = 2 << 30
NEEDED_MEMORY_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    what: str
    text: str
    remedy: str = ""


def machine() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    recent = sys.version_info >= (3, 11)
    yield Finding("ok" if recent else "fail", "python", version, "" if recent else "install Python 3.11 or newer")
    missing = [name for name in ("ray", "uvloop", "grpc", "psycopg") if importlib.util.find_spec(name) is None]
    if missing:
        yield Finding("fail", "packages", f"missing: {', '.join(missing)}", "run `make setup-run`")
    available = _available_memory()
    if available is not None and available < NEEDED_MEMORY_BYTES:
        yield Finding(
            "warn", "memory", f"{available >> 20} MiB available", "2 GiB are needed: try `--runtime local`"
        )
    else:
        yield Finding("ok", "memory", "enough")


def data_directory(settings: Settings) -> Iterator[Finding]:
    data = settings.data_path
    there = next(path for path in (data, *data.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("fail", "data", f"{there} cannot be written", "set COPILOT_DATA_DIR to a directory of yours")
        return
    yield Finding("ok", "data", str(data))
    free = shutil.disk_usage(there).free
    level: Level = "ok" if free >= NEEDED_DISK_BYTES else "warn"
    yield Finding(level, "disk", f"{free >> 20} MiB free", "" if level == "ok" else "2 GiB are needed: make room")
    closed = [path for path in (there, *there.parents) if not path.stat().st_mode & 0o001]
    if os.geteuid() == 0 and closed and not settings.database.url:
        yield Finding(
            "fail", "data", f"{closed[-1]} lets nobody pass, and PostgreSQL does not run as root",
            f"chmod o+x {closed[-1]}, or set COPILOT_DATA_DIR or COPILOT_DATABASE__URL",
        )  # fmt: skip


def programs(settings: Settings) -> Iterator[Finding]:
    """Only of servers that are left to us."""
    if shutil.which("setpriv") is None:
        yield Finding("fail", "setpriv", "not on the PATH", "install util-linux")
    if not settings.nats.url:
        yield _program("nats-server", lambda: str(nats.binary()))
    if not settings.database.url:
        yield _program("postgres", lambda: str(postgresql_files.installed().bin))
    if not settings.redis.url:
        yield _program("valkey-server", lambda: str(valkey.binary()))
    if not settings.observatory.prometheus_url:
        yield _prometheus(settings.data_path / "packages")


def ports(settings: Settings, running: RunningSystem | None) -> Iterator[Finding]:
    """A taken port is no failure: another one is chosen."""
    if running is not None:
        yield Finding("ok", "ports", f"in use by the running system (pid {running.pid})")
        return
    wanted = {"http": settings.server.port, "grpc": settings.server.grpc_port}
    if not settings.nats.url:
        wanted["nats"] = settings.nats.port
    if not settings.observatory.prometheus_url:
        wanted |= {"prometheus": prometheus.PORT, "shop": demo.PORT}
    for name, port in wanted.items():
        taken = port and _taken(port)
        text = f"{port} is taken" if taken else f"{port} is free"
        yield Finding("warn" if taken else "ok", f"port {name}", text, "another one is chosen" if taken else "")


async def servers(settings: Settings) -> list[Finding]:
    """Of the configured URLs, whether a server answers there."""
    urls = {
        "COPILOT_NATS__URL": settings.nats.url,
        "COPILOT_DATABASE__URL": settings.database.url,
        "COPILOT_REDIS__URL": settings.redis.url,
        "COPILOT_OBSERVATORY__PROMETHEUS_URL": settings.observatory.prometheus_url,
        "COPILOT_TELEMETRY__OTLP_ENDPOINT": settings.telemetry.otlp_endpoint,
    }
    configured = {name: url for name, url in urls.items() if url}
    problems = await asyncio.gather(*(reach(url) for url in configured.values()))
    return [
        Finding("fail", name, f"{mask_url(url)}: {problem}", f"start it, or correct {name}")
        if problem
        else Finding("ok", name, mask_url(url))
        for (name, url), problem in zip(configured.items(), problems, strict=True)
    ]


def _program(name: str, find: Callable[[], str]) -> Finding:
    try:
        return Finding("ok", name, find())
    except ServerUnavailable as error:
        return Finding("fail", name, "not found", str(error))


def _prometheus(packages: Path) -> Finding:
    found = prometheus.PACKAGE.found(packages)
    if found:
        return Finding("ok", "prometheus", str(found["prometheus"]))
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        return Finding("ok", "prometheus", "fetched from Debian's packages at the first start")
    return Finding("warn", "prometheus", "not found, and no apt-get to fetch it", prometheus.PACKAGE.remedy)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _available_memory() -> int | None:
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    return None
