"""`ask` and `chat` against a gateway that is a plain HTTP server: streams, cuts, problems."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from actors.cli.main import cli
from gateway.cli import question as asking
from gateway.cli.chat import Talk
from gateway.cli.client import Client, Interrupted
from gateway.cli.question import Question
from schemas.errors import Forbidden, NotFound

SESSION = "aaaaaaaaaaaaaaaa.01ARZ3NDEKTSV4RRFFQ69G5FAV"
INSTANT = "2026-01-01T00:00:00Z"
EVIDENCE = {
    "module": "observatory", "backend": "prometheus", "language": "promql", "query": "sum(up)",
    "range": {"start": INSTANT, "end": INSTANT, "step_seconds": 15},
    "result": {"kind": "scalar", "name": "error_ratio", "value": 0.0023, "unit": "ratio"},
}  # fmt: skip
INTENT = {"name": "metric_query", "confidence": 1.0}


def message(turn: str) -> dict[str, Any]:
    return {
        "id": "m", "session_id": SESSION, "turn_id": turn, "content": "It is fine.", "intent": INTENT,
        "evidence": [EVIDENCE], "degraded": [{"part": "llm", "reason": "no provider configured"}],
        "latency_ms": 4, "created_at": INSTANT,
    }  # fmt: skip


def reply(turn: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = [
        {"type": "reply.started", "intent": INTENT},
        {"type": "reply.chunk", "chunk": "It is "},
        {"type": "reply.chunk", "chunk": "fine."},
        {"type": "reply.completed", "message": message(turn)},
    ]
    return [{"session_id": SESSION, "turn_id": turn, "sequence": n, **event} for n, event in enumerate(events)]


class Gateway(ThreadingHTTPServer):
    """`cuts`: after how many events each of the next connections ends."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.headers_seen: list[dict[str, str]] = []
        self.cuts: list[int] = []
        self.refusal: tuple[int, dict[str, Any]] | None = None
        self.script = reply

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.headers_seen.append(dict(self.headers.items()))
        if self.server.refusal:
            status, problem = self.server.refusal
            self._start(status, "application/problem+json")
            self.wfile.write(json.dumps(problem).encode())
            return
        self._start(200, "text/event-stream")
        events = self.server.script(body["turn_id"])
        cut = self.server.cuts.pop(0) if self.server.cuts else len(events)
        self.wfile.write(b": keep-alive\n\n")
        for event in events[:cut]:
            self.wfile.write(f"event: {event['type']}\nid: x:1\ndata: {json.dumps(event)}\n\n".encode())

    def _start(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def gateway(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COPILOT_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(asking, "PAUSE_SECONDS", 0.0)
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_ask_prints_the_text_and_its_evidence(gateway: Gateway) -> None:
    result = CliRunner().invoke(cli, ["ask", "--url", gateway.url, "Is", "it", "fine?"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "It is fine."
    assert "  error_ratio = 0.0023 ratio" in lines
    assert "    prometheus, promql: sum(up)" in lines
    assert "a point every 15 s" in result.stdout
    assert "without llm: no provider configured" in result.stdout
    assert f"session {SESSION}" in result.stderr
    assert gateway.asked[0]["content"] == "Is it fine?"
    assert "session_id" not in gateway.asked[0]


def test_ask_json_is_the_whole_message(gateway: Gateway) -> None:
    arguments = ["ask", "--json", "--session", SESSION, "--as-of", INSTANT, "--url", gateway.url, "hello"]
    result = CliRunner().invoke(cli, arguments)
    printed = json.loads(result.stdout)
    assert printed["content"] == "It is fine."
    assert printed["evidence"][0]["result"]["value"] == 0.0023
    assert gateway.asked[0]["session_id"] == SESSION
    assert gateway.asked[0]["as_of"] == INSTANT


@pytest.mark.parametrize("way", ["option", "environment"])
def test_the_token_is_sent(gateway: Gateway, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    arguments = ["ask", "--url", gateway.url, "hello"]
    if way == "option":
        arguments += ["--token", "secret"]
    else:
        monkeypatch.setenv("COPILOT_CLIENT_TOKEN", "secret")
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    assert gateway.headers_seen[0]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("cuts", [[1], [0, 2, 3], [2, 1]])
def test_a_cut_stream_is_taken_up_again(gateway: Gateway, cuts: list[int]) -> None:
    gateway.cuts = list(cuts)
    events = list(Question("hello").events(Client(gateway.url)))
    assert [event.sequence for event in events] == [0, 1, 2, 3]
    assert len(gateway.asked) == len(cuts) + 1
    assert len({body["turn_id"] for body in gateway.asked}) == 1, "the same turn, not another one"


def test_it_gives_up_in_the_end(gateway: Gateway) -> None:
    gateway.cuts = [1] * asking.TRIES
    with pytest.raises(Interrupted, match="ask again"):
        list(Question("hello").events(Client(gateway.url)))
    assert len(gateway.asked) == asking.TRIES


def test_a_problem_is_named(gateway: Gateway) -> None:
    problem = NotFound("there is no such session of yours").problem().model_dump(mode="json")
    gateway.refusal = (404, problem)
    result = CliRunner().invoke(cli, ["ask", "--url", gateway.url, "hello"])
    assert result.exit_code == 1
    assert result.stderr == "copilot: there is no such session of yours\n"


def test_a_reply_that_failed(gateway: Gateway) -> None:
    failed = {"type": "reply.failed", "problem": Forbidden("not you").problem().model_dump(mode="json")}
    gateway.script = lambda turn: [{"session_id": SESSION, "turn_id": turn, "sequence": 0, **failed}]
    for extra in ([], ["--json"]):
        result = CliRunner().invoke(cli, ["ask", "--url", gateway.url, "hello", *extra])
        assert result.exit_code == 1
        assert result.stderr == "copilot: not you\n"
        assert result.stdout == ""


def test_a_restarted_reply_takes_back_what_was_shown(gateway: Gateway) -> None:
    def script(turn: str) -> list[dict[str, Any]]:
        events = [
            {"type": "reply.started", "intent": INTENT},
            {"type": "reply.chunk", "chunk": "Wrong."},
            {"type": "reply.restarted", "reason": "its owner was lost"},
            {"type": "reply.chunk", "chunk": "It is fine."},
            {"type": "reply.completed", "message": message(turn)},
        ]
        return [{"session_id": SESSION, "turn_id": turn, "sequence": n, **event} for n, event in enumerate(events)]

    gateway.script = script
    result = CliRunner().invoke(cli, ["ask", "--url", gateway.url, "hello"])
    assert "no longer holds: its owner was lost" in result.stderr
    assert "It is fine." in result.stdout


def test_something_else_answers(gateway: Gateway) -> None:
    gateway.refusal = (502, {"oops": True})
    result = CliRunner().invoke(cli, ["ask", "--url", gateway.url, "hello"])
    assert result.exit_code == 1
    assert "status 502" in result.stderr


def test_a_chat_keeps_its_session_until_told(gateway: Gateway) -> None:
    spoken = "first\nsecond\n/nonsense\n/new\nthird\n\n/quit\nnever\n"
    result = CliRunner().invoke(cli, ["chat", "--url", gateway.url], input=spoken)
    assert result.exit_code == 0, result.output
    assert [body["content"] for body in gateway.asked] == ["first", "second", "third"]
    assert [body.get("session_id") for body in gateway.asked] == [None, SESSION, None]
    assert result.stdout.count("It is fine.") == 3
    assert result.stdout.count("error_ratio = 0.0023 ratio <- prometheus: sum(up)") == 3
    assert result.stdout.count("without llm") == 1, "once a chat is enough"
    assert "There is no /nonsense" in result.stdout


def test_an_interrupted_answer_does_not_end_the_chat(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk(Client(gateway.url), SESSION)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gateway.cli.chat.show.streamed", interrupted)
        assert talk.said("a long question")
    assert talk.said("another one")
    assert gateway.asked[-1]["content"] == "another one"
