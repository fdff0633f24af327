"""The demo shop as a child process: six services whose numbers Prometheus scrapes."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from actors.embedded import ports
from actors.embedded.directory import prepare
from actors.embedded.process import ChildProcess, Command, Say
from actors.embedded.prometheus import ScrapeTarget, responds

PORT = 9470
SOURCES = Path(__file__).parents[2]

log = logging.getLogger(__name__)


class ShopServer:
    """`port` is the preferred one. The room `shop` is imported when it is used: it draws in numpy."""

    def __init__(self, data: Path, *, port: int = PORT, say: Say = log.warning) -> None:
        self._data = data
        self._preferred_port = port
        self._say = say
        self.port = 0
        self.process: ChildProcess | None = None

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Raises ServerUnavailable."""
        prepare(self._data)
        self.port = await ports.start_on_free(self._preferred_port, self._start_on)

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop()

    def targets(self) -> Sequence[ScrapeTarget]:
        """What Prometheus is to scrape; known once started."""
        from actors.embedded.shop import scrape_targets

        return scrape_targets(self.port)

    async def fill_history(self, tsdb: Path, promtool: Path) -> None:
        """Writes the past hours into Prometheus' closed database, up to now."""
        from actors.embedded.shop.backfill import backfill

        await backfill(self._data, tsdb, promtool, time.time(), self._say)

    async def _start_on(self, port: int) -> None:
        argv = (sys.executable, "-m", "actors.embedded.shop", "--data", str(self._data), "--port", str(port))
        self.process = ChildProcess(
            Command("shop", argv, self._data, _environment(), cwd=self._data),
            probe=lambda: responds(f"http://{ports.LOOPBACK}:{port}/health"),
            say=self._say,
        )
        await self.process.start()


def _environment() -> dict[str, str]:
    """Ours, since it is our code; the same sources as this process, wherever it was started."""
    inherited = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(SOURCES), *((inherited,) if inherited else ())))}
