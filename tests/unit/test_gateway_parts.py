"""The small parts of the gateway: tokens, origins, ports, metrics text, positions, generated code."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.platform.bus import Bus
from actors.platform.bus.identity import create_token
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.config import Settings, load
from actors.platform.telemetry import Telemetry
from gateway import auth as auth_module
from gateway.auth import Doorkeeper
from gateway.listen import open_socket, shown
from gateway.scrape import Scrape, render
from gateway.session_events import Position
from gateway.streams import Streams
from schemas import copilot_pb2
from schemas.envelope import Envelope
from schemas.errors import Forbidden, InvalidInput, NotFound, RateLimited, Unauthenticated
from schemas.subjects import METRICS
from schemas.system import Family, MetricsReport, MetricsRequest, Sample

SECRET = "a secret of the unit tests, long enough for HS256"


@pytest.fixture
def jwt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    for name, value in {"DATA_DIR": str(tmp_path), "AUTH__MODE": "jwt", "AUTH__JWT_SECRET": SECRET}.items():
        monkeypatch.setenv(f"COPILOT_{name}", value)
    return load()


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setenv("COPILOT_DATA_DIR", str(tmp_path))
    return load()


def test_remembered_token_ends_when_it_expires(jwt: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    doorkeeper = Doorkeeper(jwt.auth)
    header = f"Bearer {create_token(jwt.auth, 'ada', ('viewer',), 1)}"
    caller = doorkeeper.identify(header)
    assert doorkeeper.identify(header) is caller
    assert (caller.identity.user, caller.authorization) == ("ada", header)
    later = time.time() + 2
    monkeypatch.setattr(auth_module.time, "time", lambda: later)
    doorkeeper._settings = jwt.auth.model_copy(update={"jwt_secret": "x" * 40})
    with pytest.raises(Unauthenticated):
        doorkeeper.identify(header)


def test_remembered_tokens_are_bounded(jwt: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_module, "REMEMBERED_TOKENS", 3)
    doorkeeper = Doorkeeper(jwt.auth)
    for user in "abcde":
        doorkeeper.identify(f"Bearer {create_token(jwt.auth, user, ('viewer',), 60)}")
    assert len(doorkeeper._known) == 3


@pytest.mark.parametrize(
    ("headers", "fine"),
    [
        ({"Host": "127.0.0.1:8080"}, True),
        ({"Host": "localhost"}, True),
        ({"Host": "[::1]:8080", "Origin": "http://localhost:3000"}, True),
        ({"Host": "evil.example"}, False),
        ({"Host": "127.0.0.1:8080", "Origin": "https://evil.example"}, False),
        ({"Host": "127.0.0.1:8080", "Origin": "null"}, False),
        ({"Host": "127.0.0.1.evil.example"}, False),
    ],
)
def test_local_mode_refuses_pages_of_others(local: Settings, headers: dict[str, str], fine: bool) -> None:
    doorkeeper = Doorkeeper(local.auth)
    if fine:
        doorkeeper.refuse_foreign_pages(headers)
    else:
        with pytest.raises(Forbidden):
            doorkeeper.refuse_foreign_pages(headers)


def test_tokens_need_no_such_rule(jwt: Settings) -> None:
    Doorkeeper(jwt.auth).refuse_foreign_pages({"Host": "copilot.example", "Origin": "https://a.example"})


@pytest.mark.parametrize(
    "odd", ["", "x", "*", "{owner}.>", "{owner}.01J9Z8Y7X6W5V4T3S2R1Q0PNMK\n", "{owner}." + "0" * 99]
)
def test_what_is_no_session_id_is_not_found(jwt: Settings, odd: str) -> None:
    caller = Doorkeeper(jwt.auth).identify(f"Bearer {create_token(jwt.auth, 'ada', ('admin',), 60)}")
    with pytest.raises(NotFound):
        caller.check_session(odd.replace("{owner}", caller.owner))


def test_taken_port_is_replaced_and_said() -> None:
    said: list[str] = []
    first = open_socket("127.0.0.1", 0, "HTTP", said.append)
    port = first.getsockname()[1]
    second = open_socket("127.0.0.1", port, "HTTP", said.append)
    other = second.getsockname()[1]
    assert other not in (0, port)
    assert said == [f"port {port} is taken: HTTP listens on port {other} instead"]
    first.close()
    second.close()


def test_host_that_is_not_ours_is_an_error() -> None:
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        open_socket("203.0.113.1", 0, "HTTP", lambda text: None)


@pytest.mark.skipif(not socket.has_ipv6, reason="the system has no IPv6")
def test_ipv6_is_shown_in_brackets() -> None:
    assert shown("::1", 80) == "[::1]:80"


def test_metrics_of_several_processes_are_one_family() -> None:
    def family(process: str, value: float) -> Family:
        sample = Sample(name="copilot_x_total", labels={"process": process, "text": 'a"b\\c\nd'}, value=value)
        return Family(name="copilot_x", type="counter", help="A\nhelp.", samples=(sample,))

    text = render([family("a", 1), family("b", float("inf"))])
    (parsed,) = text_string_to_metric_families(text)
    assert text.count("# TYPE copilot_x_total counter") == 1
    assert [(s.labels["process"], s.value) for s in parsed.samples] == [("a", 1.0), ("b", float("inf"))]
    assert parsed.samples[0].labels["text"] == 'a"b\\c\nd'


async def test_scrape_remembers_who_was_there_and_returns_early() -> None:
    server = MemoryServer()
    other = Telemetry("nlp", "nlp-0")
    bus = Bus(MemoryTransport(server), "gateway-0")
    actor = Bus(MemoryTransport(server), "nlp-0")
    await bus.connect()
    await actor.connect()

    async def report(envelope: Envelope[MetricsRequest]) -> MetricsReport:
        return other.report()

    await actor.serve(METRICS, report)
    await bus.serve(METRICS, lambda envelope: _own(telemetry))
    telemetry = Telemetry("gateway", "gateway-0")
    scrape = Scrape(bus, telemetry)
    assert 'copilot_process_up{pool="nlp",process="nlp-0"} 1.0' in await scrape.page()
    started = time.perf_counter()
    await scrape.page()
    assert time.perf_counter() - started < 0.4
    await actor.close()
    assert 'copilot_process_up{pool="nlp",process="nlp-0"} 0.0' in await scrape.page()
    await bus.close()


async def _own(telemetry: Telemetry) -> MetricsReport:
    return telemetry.report()


def test_positions() -> None:
    assert Position.parse("turn:12") == Position("turn", 12)
    assert Position.parse("turn:-1") == Position("turn", -1)
    for odd in ("", "turn", "turn:", ":1", "turn:-2", "turn:x", "t:²", "t" * 90 + ":1"):
        with pytest.raises(InvalidInput):
            Position.parse(odd)


def test_streams_of_a_user_are_bounded() -> None:
    gauge = Telemetry.silent("x").gauge("copilot_gateway_streams", "Open streams.", ("protocol",))
    streams = Streams(gauge, per_user=2)
    with streams.opened("a", "sse"), streams.opened("a", "websocket"):
        with pytest.raises(RateLimited), streams.opened("a", "sse"):
            pytest.fail("a third stream was opened")
        with streams.opened("b", "sse"):
            pass
    with streams.opened("a", "sse"):
        assert gauge.labels("sse")._value.get() == 1
    assert gauge.labels("sse")._value.get() == 0


def test_grpc_stub_file_names_every_method() -> None:
    service = copilot_pb2.DESCRIPTOR.services_by_name["CoPilotService"]
    typed = Path(copilot_pb2.__file__).with_name("copilot_pb2_grpc.pyi").read_text(encoding="utf-8")
    for method in service.methods:
        kind = "UnaryStream" if method.server_streaming else "UnaryUnary"
        types = f"[pb.{method.input_type.name}, pb.{method.output_type.name}]"
        assert f"{method.name}: grpc.aio.{kind}MultiCallable{types}" in typed
        assert re.search(rf"def {method.name}\(\s*self, request: pb\.{method.input_type.name}", typed)
