"""What a process shows of itself: logs, traces and metrics.

Traces leave over OTLP when an endpoint is configured; without one the trace context still travels. Metrics live in
a registry per process slot and are gathered over the bus.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any, TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from actors.platform.config import TelemetrySettings
from actors.platform.tracing import SpanHandle, tracing
from schemas.system import Family, MetricsReport, Sample

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Telemetry:
    """`pool` and `process` label every metric; `process` is a stable slot such as `nlp-0`."""

    def __init__(self, pool: str, process: str, settings: TelemetrySettings | None = None) -> None:
        self.pool = pool
        self.process = process
        self.registry = CollectorRegistry()
        self._tracing = tracing(process, settings.otlp_endpoint if settings else "")
        self._asked = self.histogram(
            "copilot_bus_request_seconds", "From asking on the bus to the answer.", ("subject",)
        )
        self._served = self.histogram(
            "copilot_bus_handler_seconds", "Handling one message of a subject.", ("subject",)
        )
        self._appended = self.histogram("copilot_bus_append_seconds", "Writing one event to a stream.")
        self.gauge("copilot_process_up", "1 while the process answers.").set(1)

    @classmethod
    def silent(cls, name: str) -> Telemetry:
        """For commands and tests: nothing leaves."""
        return cls(name, name)

    def counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def histogram(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=SECONDS)

    @contextmanager
    def client_span(self, name: str) -> Generator[SpanHandle]:
        started = time.perf_counter()
        with self._tracing.client(name) as span:
            try:
                yield span
            finally:
                self._asked.labels(name).observe(time.perf_counter() - started)

    @contextmanager
    def server_span(self, name: str, headers: Mapping[str, str]) -> Generator[SpanHandle]:
        started = time.perf_counter()
        with self._tracing.server(name, headers) as span:
            try:
                yield span
            finally:
                self._served.labels(name).observe(time.perf_counter() - started)

    def border_span(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[SpanHandle]:
        """A span for what enters from outside the bus; its metrics are the caller's own business."""
        return self._tracing.border(name, headers)

    @contextmanager
    def timed_append(self) -> Generator[None]:
        with self._appended.time():
            yield

    def current_headers(self) -> dict[str, str]:
        return self._tracing.current_headers()

    def report(self, expected: tuple[tuple[str, str], ...] = ()) -> MetricsReport:
        """All families; every sample carries `pool` and `process`."""
        own = {"pool": self.pool, "process": self.process}
        families = tuple(
            Family(
                name=metric.name,
                type=metric.type,
                help=metric.documentation,
                samples=tuple(
                    Sample(name=sample.name, labels={**sample.labels, **own}, value=sample.value)
                    for sample in metric.samples
                    if not sample.name.endswith("_created")
                ),
            )
            for metric in self.registry.collect()
        )
        return MetricsReport(pool=self.pool, process=self.process, families=families, expected=expected)

    def shutdown(self) -> None:
        """Sends what is still buffered."""
        self._tracing.shutdown()


class Lines:
    """Where log lines go. A full disk or a closed pipe loses some, and how many is said when it works again; it
    never fails whoever logs, since that would end the loops that tell of the trouble."""

    def __init__(self, file: IO[bytes]) -> None:
        """`file` must not buffer: what cannot be written now is lost, not kept."""
        self._file = file
        self._lost = 0

    def write(self, text: str) -> None:
        try:
            if self._lost:
                self._file.write(f'{{"event": "log.lines_lost", "count": {self._lost}}}\n'.encode())
                self._lost = 0
            self._file.write(text.encode(errors="backslashreplace"))
        except (OSError, ValueError):  # the latter: closed
            self._lost += 1

    def flush(self) -> None:
        """Nothing is held back."""


def lines_to(file: Path | None) -> Lines:
    """To the end of `file`, or to stderr. Raises OSError where the file cannot be opened."""
    return Lines(file.open("ab", buffering=0) if file else os.fdopen(2, "ab", buffering=0, closefd=False))


def configure_logging(level: str, process: str, file: Path | None = None) -> None:
    """One JSON object a line, with the process's slot, on stderr or at the end of `file`; called once in every
    process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _add("process", process),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", lines_to(file))),
        cache_logger_on_first_use=False,
    )


def _add(key: str, value: str) -> structlog.types.Processor:
    def add(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        event[key] = value
        return event

    return add
