"""Asks one question over all five ways in, with one `as_of`, and holds the answers against each other and
against Prometheus itself.

    python -m tests.e2e.five_ways            # asks the running copilot
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import aiohttp
import grpc.aio
import nats
from google.protobuf.timestamp_pb2 import Timestamp

from schemas import copilot_pb2, copilot_pb2_grpc
from schemas.conversation import FINAL

QUESTION = "What is the error rate for the payment service in the last hour?"
WINDOW_SECONDS = 3_600
Event = dict[str, Any]


@dataclass(frozen=True)
class Addresses:
    http: str
    grpc: str
    nats: str
    prometheus: str

    @classmethod
    def of(cls, state: dict[str, Any]) -> Addresses:
        known = state["addresses"]
        return cls(known["http"], known["grpc"], known["nats"], known["prometheus"])


async def by_rest(at: Addresses, as_of: datetime) -> list[Event]:
    """The JSON reply has the last event's message only."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{at.http}/api/v1/messages", json=_body(as_of)) as response,
    ):
        assert response.status == 200, await response.text()
        message = await response.json()
    return [{"type": "reply.completed", "message": message}]


async def by_sse(at: Addresses, as_of: datetime) -> list[Event]:
    events: list[Event] = []
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{at.http}/api/v1/messages", json=_body(as_of), headers={"Accept": "text/event-stream"}
        ) as response,
    ):
        assert response.status == 200, await response.text()
        name = ""
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                assert event.get("type", name) == name
                events.append({**event, "type": name})
    return events


async def by_websocket(at: Addresses, as_of: datetime) -> list[Event]:
    names = {
        "ReplyStarted": "reply.started",
        "StreamChunk": "reply.chunk",
        "Evidence": "reply.evidence",
        "MessageComplete": "reply.completed",
    }
    events: list[Event] = []
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{at.http}/ws") as socket:
        await socket.send_json({"type": "SendMessage", **_body(as_of)})
        while not events or events[-1]["type"] not in FINAL:
            frame = await socket.receive_json(timeout=30)
            if frame["type"] in names:
                events.append({**frame, "type": names[frame["type"]]})
    return events


async def by_grpc(at: Addresses, as_of: datetime) -> list[Event]:
    from google.protobuf.json_format import MessageToDict

    names = {
        "started": "reply.started",
        "chunk": "reply.chunk",
        "evidence": "reply.evidence",
        "completed": "reply.completed",
    }
    stamp = Timestamp()
    stamp.FromDatetime(as_of)
    events: list[Event] = []
    async with grpc.aio.insecure_channel(at.grpc.removeprefix("grpc://")) as channel:
        stub = cast(Any, copilot_pb2_grpc.CoPilotServiceStub(channel))  # the generated stub is not typed
        async for chunk in stub.StreamResponse(copilot_pb2.MessageRequest(content=QUESTION, as_of=stamp)):
            kind = chunk.WhichOneof("event")
            value = getattr(chunk, kind)
            body = value if isinstance(value, str) else MessageToDict(value, preserving_proto_field_name=True)
            key = {"completed": "message"}.get(kind, kind)
            events.append({"type": names[kind], "sequence": chunk.sequence, key: body})
    return events


async def by_nats(at: Addresses, as_of: datetime) -> list[Event]:
    """Publishes an event, as a system without a connection of its own would, and listens to the replies."""
    turn_id = uuid.uuid4().hex
    events: list[Event] = []
    client = await nats.connect(at.nats)
    try:
        replies = await client.subscribe("copilot.v1.reply.>")
        await client.flush()
        await client.publish(
            "copilot.v1.event.turn",
            json.dumps({**_body(as_of), "turn_id": turn_id}).encode(),
            headers={
                "ce-specversion": "1.0",
                "ce-id": turn_id,
                "ce-source": "five-ways",
                "ce-type": "copilot.v1.turn.submit",
            },
        )
        while not events or events[-1]["type"] not in FINAL:
            message = await replies.next_msg(timeout=30)
            event = json.loads(message.data)
            if event["turn_id"] == turn_id:
                assert (message.headers or {})["ce-type"] == f"copilot.v1.{event['type']}"
                events.append(event)
    finally:
        await client.close()
    return events


WAYS: dict[str, Callable[[Addresses, datetime], Awaitable[list[Event]]]] = {
    "REST": by_rest,
    "SSE": by_sse,
    "WebSocket": by_websocket,
    "gRPC": by_grpc,
    "NATS": by_nats,
}


def _body(as_of: datetime) -> dict[str, Any]:
    return {"content": QUESTION, "as_of": as_of.isoformat()}


@dataclass(frozen=True)
class Figures:
    """What Prometheus itself says; the queries are written here anew, not taken from the evidence."""

    ratio: float
    total: float
    failed: dict[str, float]


async def figures(at: Addresses, as_of: datetime) -> Figures:
    selector = '{service="payment"}'
    total = await _scalar(at, f"sum(increase(http_requests_total{selector}[{WINDOW_SECONDS}s]))", as_of)
    rows = await _query(at, f"sum by (status) (increase(http_requests_total{selector}[{WINDOW_SECONDS}s]))", as_of)
    failed = {
        row["metric"]["status"]: float(row["value"][1]) for row in rows if row["metric"]["status"].startswith("5")
    }
    failed = {status: count for status, count in failed.items() if count > 0}
    return Figures(sum(failed.values()) / total, total, failed)


async def _scalar(at: Addresses, query: str, as_of: datetime) -> float:
    return float((await _query(at, query, as_of))[0]["value"][1])


async def _query(at: Addresses, query: str, as_of: datetime) -> list[dict[str, Any]]:
    params = {"query": query, "time": str(as_of.timestamp())}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{at.prometheus}/api/v1/query", params=params) as response,
    ):
        return (await response.json())["data"]["result"]


def essence(event: Event) -> tuple[Any, ...]:
    """What must be the same over every way in: not ids and clocks, and not how a protocol writes a number."""
    if event["type"] == "reply.chunk":
        return ("reply.chunk", event["chunk"])
    if event["type"] == "reply.evidence":
        return ("reply.evidence", event["evidence"]["query"])
    if event["type"] == "reply.started":
        started = event.get("started", event)
        return ("reply.started", started["intent"]["name"], len(started["entities"]))
    message = event["message"]
    return ("reply.completed", message["content"], tuple(item["query"] for item in message["evidence"]))


async def ask_all(at: Addresses, as_of: datetime) -> dict[str, list[Event]]:
    return {name: await ask(at, as_of) for name, ask in WAYS.items()}


def recent() -> datetime:
    """Far enough in the past that every scrape before it is stored."""
    return datetime.fromtimestamp(int(time.time()), UTC) - timedelta(seconds=30)


def check(answers: dict[str, list[Event]], truth: Figures) -> None:
    """Raises AssertionError where two ways differ, or an answer differs from Prometheus."""
    streams = {name: [essence(event) for event in events] for name, events in answers.items()}
    reference = streams["SSE"]
    for name, stream in streams.items():
        expected = reference[-1:] if name == "REST" else reference
        assert stream == expected, f"{name} tells another story:\n{stream}\n{expected}"
    for name, events in answers.items():
        if name != "REST":
            assert [event["sequence"] for event in events] == list(range(len(events))), name
        _check_figures(name, events[-1]["message"], truth)


def _check_figures(name: str, message: dict[str, Any], truth: Figures) -> None:
    text = message["content"]
    ratio = message["evidence"][0]["result"]["value"]
    ratio = ratio["number_value"] if isinstance(ratio, dict) else ratio
    assert abs(ratio - truth.ratio) < 1e-12, f"{name}: {ratio} is not {truth.ratio}"
    failed = sum(truth.failed.values())
    assert f"total requests {truth.total:,.0f}" in text, f"{name}: {text}"
    assert f"failed requests {failed:,.0f}" in text, f"{name}: {text}"
    for status, count in truth.failed.items():
        share = f"{count:,.0f} ({100 * count / failed:.0f} %)"
        assert f"{status} " in text, f"{name}: {status} is missing in {text}"
        assert share in text, f"{name}: {share} is missing in {text}"


async def main() -> None:
    from actors.platform import config

    path = config.load().data_path / "run" / "copilot.json"
    if not path.exists():
        sys.exit(f"nothing runs here ({path} is missing): start it with `copilot up`")
    at = Addresses.of(json.loads(path.read_text()))
    as_of = recent()
    answers, truth = await ask_all(at, as_of), await figures(at, as_of)
    check(answers, truth)
    for name, events in answers.items():
        print(f"{name:10} {len(events):2} events  {events[-1]['message']['content']}")
    print(f"Prometheus    ratio {truth.ratio:.6f}, total {truth.total:.1f}, failed {truth.failed}")
    print("all five agree, with each other and with Prometheus")


if __name__ == "__main__":
    asyncio.run(main())
