"""The W3C trace context: recorded and sent over OTLP where an endpoint is configured, else passed on as it came.

Passing on costs next to nothing; a span that nobody records would cost a tenth of a turn.
"""

from __future__ import annotations

import random
import re
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HEADER = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()
_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_passing: ContextVar[str] = ContextVar("traceparent", default="")


class SpanHandle(Protocol):
    def headers(self) -> dict[str, str]:
        """The trace context that makes this span the parent."""
        ...

    def failed(self, error: BaseException) -> None: ...


class Tracing(Protocol):
    def client(self, name: str) -> AbstractContextManager[SpanHandle]: ...

    def server(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[SpanHandle]: ...

    def border(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[SpanHandle]:
        """For what enters from outside: it always has a trace, a new one where none came with it."""
        ...

    def current_headers(self) -> dict[str, str]: ...

    def shutdown(self) -> None: ...


def tracing(process: str, endpoint: str) -> Tracing:
    return Recording(process, endpoint) if endpoint else Passing()


# --- passing on ------------------------------------------------------------------------------------


class _Passed:
    """The span of nobody: its headers are those that came."""

    __slots__ = ("_given", "_headers", "_token")

    def __init__(self, traceparent: str | None) -> None:
        self._given = traceparent
        given = _passing.get() if traceparent is None else traceparent
        self._headers = {HEADER: given} if given else {}

    def headers(self) -> dict[str, str]:
        return self._headers

    def failed(self, error: BaseException) -> None:
        """Nobody records it; who raised it logs it."""

    def __enter__(self) -> _Passed:
        self._token = None if self._given is None else _passing.set(self._given)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _passing.reset(self._token)


class Passing:
    def client(self, name: str) -> _Passed:
        return _Passed(None)

    def server(self, name: str, headers: Mapping[str, str]) -> _Passed:
        given = headers.get(HEADER, "")
        return _Passed(given if _VALID.fullmatch(given) else "")

    def border(self, name: str, headers: Mapping[str, str]) -> _Passed:
        given = headers.get(HEADER, "")
        return _Passed(given if _VALID.fullmatch(given) else _new_traceparent())

    def current_headers(self) -> dict[str, str]:
        given = _passing.get()
        return {HEADER: given} if given else {}

    def shutdown(self) -> None:
        """Nothing is held."""


def _new_traceparent() -> str:
    """Not sampled: nobody here records it."""
    bits = random.getrandbits(192) | 1 << 64 | 1
    return f"00-{bits >> 64:032x}-{bits & (1 << 64) - 1:016x}-00"


# --- recording -------------------------------------------------------------------------------------


class _Recorded:
    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, context=trace.set_span_in_context(self._span))
        return carrier

    def failed(self, error: BaseException) -> None:
        self._span.record_exception(error)
        self._span.set_status(Status(StatusCode.ERROR, str(error)))


class Recording:
    def __init__(self, process: str, endpoint: str) -> None:
        # Imported here: it brings in an HTTP client that nobody needs without an endpoint.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        resource = Resource.create({"service.name": "copilot", "service.instance.id": process})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("copilot")

    @contextmanager
    def client(self, name: str) -> Generator[SpanHandle]:
        with self._tracer.start_as_current_span(name, kind=SpanKind.CLIENT) as span:
            yield _Recorded(span)

    @contextmanager
    def server(self, name: str, headers: Mapping[str, str]) -> Generator[SpanHandle]:
        parent = _PROPAGATOR.extract(headers)
        with self._tracer.start_as_current_span(name, context=parent, kind=SpanKind.SERVER) as span:
            yield _Recorded(span)

    def border(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[SpanHandle]:
        return self.server(name, headers)

    def current_headers(self) -> dict[str, str]:
        return _Recorded(trace.get_current_span()).headers()

    def shutdown(self) -> None:
        """Sends what is still buffered."""
        self._provider.shutdown()
