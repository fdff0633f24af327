"""A real Prometheus over a written history: every expected figure can be worked out on paper."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from actors.embedded.prometheus import PrometheusServer
from actors.embedded.tool import run
from schemas.plans import TimeRange
from tests.support.servers import SHARED_PACKAGES, data_directory

STEP_SECONDS = 15
HISTORY_SECONDS = 2 * 3_600

Curve = Callable[[float], float]
"""The value so many seconds after the history's beginning."""


@dataclass(frozen=True)
class WrittenSeries:
    metric: str
    labels: Mapping[str, str]
    curve: Curve


def steady(per_second: float) -> Curve:
    """A counter: its increase over W seconds is per_second * W, exactly."""
    return lambda seconds: per_second * seconds


def constant(value: float) -> Curve:
    return lambda seconds: value


@dataclass
class MeasuredPrometheus:
    """`end` is the instant of the last sample."""

    url: str
    end: datetime
    _stop: Callable[[], None]

    def last(self, seconds: int) -> TimeRange:
        return TimeRange(start=self.end - timedelta(seconds=seconds), end=self.end)

    def stop(self) -> None:
        self._stop()


@contextmanager
def measured_prometheus(history: list[WrittenSeries]) -> Generator[MeasuredPrometheus]:
    """Started with the history in its database; scrapes nothing."""
    end = math.floor(time.time() / STEP_SECONDS) * STEP_SECONDS

    async def fill(tsdb: Path, promtool: Path) -> None:
        text = tsdb.parent / "history.txt"
        text.write_text(_open_metrics(history, end), encoding="utf-8")
        await run(
            str(promtool), "tsdb", "create-blocks-from", "openmetrics", str(text), str(tsdb), env={}, timeout=60.0
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="prometheus")
    with data_directory() as data:
        thread.start()
        server = PrometheusServer(data, SHARED_PACKAGES, (), port=0, before_start=fill)

        def stop() -> None:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)

        try:
            asyncio.run_coroutine_threadsafe(server.start(), loop).result(300)
            yield MeasuredPrometheus(server.url, datetime.fromtimestamp(end, UTC), stop)
        finally:
            stop()
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


def _open_metrics(history: list[WrittenSeries], end: int) -> str:
    lines: list[str] = []
    for series in sorted(history, key=lambda one: one.metric):
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in series.labels.items())
        for seconds in range(0, HISTORY_SECONDS + 1, STEP_SECONDS):
            value = series.curve(seconds)
            if not math.isnan(value):
                lines.append(f"{series.metric}{{{labels}}} {value} {end - HISTORY_SECONDS + seconds}")
    return "\n".join((*lines, "# EOF", ""))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
