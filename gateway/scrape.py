"""All processes' metrics as one Prometheus page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import cast

from prometheus_client import utils

from actors.platform.bus import Bus
from actors.platform.telemetry import Telemetry
from gateway.pools import BUS_ERRORS
from schemas.subjects import METRICS
from schemas.system import Family, MetricsReport, MetricsRequest, Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WITHIN_SECONDS = 0.5
REMEMBER_SECONDS = 600.0  # a process that was seen this recently and is silent is down
UP = "copilot_process_up"

Process = tuple[str, str]


class Scrape:
    def __init__(self, bus: Bus, telemetry: Telemetry) -> None:
        self._bus = bus
        self._telemetry = telemetry
        self._seen: dict[Process, float] = {}
        self._expected: frozenset[Process] = frozenset()

    async def page(self) -> str:
        reports = await self._reports()
        present = {(report.pool, report.process) for report in reports}
        self._remember(present, reports)
        silent = (self._expected | self._seen.keys()) - present
        return render((*(family for report in reports for family in report.families), *_down(silent)))

    async def _reports(self) -> list[MetricsReport]:
        """One a process; the own one is there although the bus is not."""
        own = self._telemetry.report()
        by_process = {(own.pool, own.process): own}
        if self._bus.connected:
            known = len(self._expected | self._seen.keys())
            try:
                others = await self._bus.gather(METRICS, MetricsRequest(), within=WITHIN_SECONDS, enough=known)
            except BUS_ERRORS:
                others = []  # the page shows them as down
            for report in others:
                by_process.setdefault((report.pool, report.process), report)
        return list(by_process.values())

    def _remember(self, present: set[Process], reports: Iterable[MetricsReport]) -> None:
        now = time.monotonic()
        self._seen.update(dict.fromkeys(present, now))
        expected = frozenset(process for report in reports for process in report.expected)
        if expected:
            # The supervisor knows: what it no longer expects was scaled away and is not down.
            self._expected = expected
            self._seen = {process: at for process, at in self._seen.items() if process in expected | present}
        self._seen = {process: at for process, at in self._seen.items() if now - at < REMEMBER_SECONDS}


def _down(silent: Iterable[Process]) -> Iterable[Family]:
    samples = tuple(
        Sample(name=UP, labels={"pool": pool, "process": process}, value=0.0) for pool, process in sorted(silent)
    )
    if samples:
        yield Family(name=UP, type="gauge", help="1 while the process answers.", samples=samples)


def render(families: Iterable[Family]) -> str:
    """The text format 0.0.4; families of the same name become one."""
    merged: dict[str, list[Family]] = {}
    for family in families:
        merged.setdefault(family.name, []).append(family)
    lines: list[str] = []
    for name, parts in sorted(merged.items()):
        shown = f"{name}_total" if parts[0].type == "counter" else name
        lines.append(f"# HELP {shown} {_escape(parts[0].help, quotes=False)}")
        lines.append(f"# TYPE {shown} {_TYPES.get(parts[0].type, 'untyped')}")
        lines.extend(_line(sample) for part in parts for sample in part.samples)
    return "\n".join(lines) + "\n"


_TYPES = {name: name for name in ("counter", "gauge", "histogram", "summary")}


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escape(value)}"' for name, value in sample.labels.items())
    return f"{sample.name}{{{labels}}} {_number(sample.value)}"


_number = cast("Callable[[float], str]", utils.floatToGoString)


def _escape(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text
