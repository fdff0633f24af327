"""The gateway as a supervised child process: its own core, and no Ray in it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from actors.embedded.process import ChildProcess, Command
from actors.platform.config import Settings, to_environment

REPORT = Path("run") / "gateway.json"


@dataclass(frozen=True, slots=True)
class GatewayAddresses:
    http: str
    grpc: str


class GatewayProcess:
    """The gateway writes where it listens into a report file; then it is asked whether it answers."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._report = settings.data_path / REPORT
        self._process = ChildProcess(
            Command(
                "gateway",
                (sys.executable, "-m", "gateway", "--report", str(self._report)),
                settings.data_path,
                environment(settings),
                cwd=Path.cwd(),
            ),
            probe=self._answers,
            say=say,
            before_spawn=self._forget,
        )

    @property
    def addresses(self) -> GatewayAddresses:
        report = json.loads(self._report.read_text(encoding="utf-8"))
        return GatewayAddresses(http=report["http"], grpc=report["grpc"])

    @property
    def notes(self) -> list[str]:
        return json.loads(self._report.read_text(encoding="utf-8")).get("notes", [])

    async def start(self) -> None:
        await self._process.start()

    async def stop(self) -> None:
        await self._process.stop(grace=self._settings.server.drain_seconds + 5)
        self._report.unlink(missing_ok=True)

    def told(self) -> dict[str, Any]:
        return {
            "kind": "gateway",
            "pool": None,
            "pid": self._process.pid,
            "state": str(self._process.state),
        }

    async def _forget(self) -> None:
        self._report.unlink(missing_ok=True)

    async def _answers(self) -> bool:
        """Any answer is a sign of life, a refusal too. An open connection would be none: the kernel accepts it for
        a process that hangs."""
        if not self._report.exists():
            return False
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.addresses.http}/health"):
                return True
        except aiohttp.ClientError:
            return False


def environment(settings: Settings) -> Mapping[str, str]:
    """Ours, with these very settings in it."""
    return {**os.environ, **to_environment(settings)}
