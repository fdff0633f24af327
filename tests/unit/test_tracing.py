"""The trace context travels with and without somebody who records it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from actors.platform.tracing import Passing, Recording, Tracing, tracing

GIVEN = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Collector(HTTPServer):
    """Takes what an OpenTelemetry collector takes over HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.bodies: list[bytes] = []


class Taker(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """The test says what it sees."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def trace_of(headers: dict[str, str]) -> str:
    return headers["traceparent"].split("-")[1]


@pytest.mark.parametrize("recording", [False, True])
def test_the_trace_of_the_caller_goes_on(collector: Collector, recording: bool) -> None:
    told: Tracing = tracing("nlp-0", f"http://127.0.0.1:{collector.server_port}" if recording else "")
    assert isinstance(told, Recording if recording else Passing)
    with told.border("front", {"traceparent": GIVEN}) as outer, told.client("ask") as asked:
        assert trace_of(outer.headers()) == trace_of(asked.headers()) == "a" * 32
        with told.server("serve", asked.headers()):
            assert trace_of(told.current_headers()) == "a" * 32
    told.shutdown()
    assert any(b"serve" in body and b"nlp-0" in body for body in collector.bodies) == recording


def test_what_is_no_trace_context_is_not_passed_on() -> None:
    told = Passing()
    with told.server("serve", {"traceparent": "nonsense"}) as span:
        assert span.headers() == told.current_headers() == {}
    for nonsense in ("", "nonsense", "ff" + GIVEN[2:], GIVEN.replace("a" * 32, "0" * 32)):
        with told.border("front", {"traceparent": nonsense}) as span:
            assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", span.headers()["traceparent"])
            assert span.headers()["traceparent"] != nonsense
    assert told.current_headers() == {}
