"""The main job over all five ways in, and a reply cut anywhere and gone on with by another protocol."""

from __future__ import annotations

import json
from typing import Any, cast

import aiohttp
import grpc.aio
import pytest

from schemas import copilot_pb2, copilot_pb2_grpc
from schemas.conversation import FINAL
from tests.e2e import five_ways
from tests.e2e.five_ways import Addresses, essence
from tests.support.running import Copilot

pytestmark = pytest.mark.integration


async def test_all_five_ways_agree_with_each_other_and_with_prometheus(copilot: Copilot) -> None:
    at = Addresses.of(copilot.state())
    as_of = five_ways.recent()
    answers, truth = await five_ways.ask_all(at, as_of), await five_ways.figures(at, as_of)
    assert truth.total > 1_000
    five_ways.check(answers, truth)


async def resumed_by_sse(at: Addresses, session: str, turn: str, after: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    headers = {"Last-Event-ID": f"{turn}:{after}", "Accept": "text/event-stream"}
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{at.http}/api/v1/sessions/{session}/events", headers=headers) as response,
    ):
        assert response.status == 200, await response.text()
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
                if events[-1]["type"] in FINAL:
                    break
    return events


async def resumed_by_websocket(at: Addresses, session: str, turn: str, after: int) -> list[dict[str, Any]]:
    names = {"StreamChunk": "reply.chunk", "Evidence": "reply.evidence", "MessageComplete": "reply.completed"}
    events: list[dict[str, Any]] = []
    async with aiohttp.ClientSession() as client, client.ws_connect(f"{at.http}/ws") as socket:
        await socket.send_json({"type": "Subscribe", "session_id": session, "after": f"{turn}:{after}"})
        while not events or events[-1]["type"] not in FINAL:
            frame = await socket.receive_json(timeout=30)
            assert frame["type"] != "Error", frame
            if frame["type"] in names:
                events.append({**frame, "type": names[frame["type"]]})
    return events


async def resumed_by_grpc(at: Addresses, session: str, turn: str, after: int) -> list[dict[str, Any]]:
    from google.protobuf.json_format import MessageToDict

    keys = {"chunk": "reply.chunk", "evidence": "reply.evidence", "completed": "reply.completed"}
    events: list[dict[str, Any]] = []
    async with grpc.aio.insecure_channel(at.grpc.removeprefix("grpc://")) as channel:
        stub = cast(Any, copilot_pb2_grpc.CoPilotServiceStub(channel))
        request = copilot_pb2.ResumeRequest(session_id=session, turn_id=turn, after=after)
        async for chunk in stub.Resume(request):
            kind = chunk.WhichOneof("event")
            value = getattr(chunk, kind)
            body = value if isinstance(value, str) else MessageToDict(value, preserving_proto_field_name=True)
            key = "message" if kind == "completed" else kind
            events.append({"type": keys[kind], "sequence": chunk.sequence, key: body})
    return events


RESUMES = {"SSE": resumed_by_sse, "WebSocket": resumed_by_websocket, "gRPC": resumed_by_grpc}


@pytest.mark.parametrize("protocol", RESUMES)
async def test_a_reply_cut_after_any_event_is_completed_by_any_protocol(copilot: Copilot, protocol: str) -> None:
    at = Addresses.of(copilot.state())
    whole = await five_ways.by_sse(at, five_ways.recent())
    session, turn = whole[0]["session_id"], whole[0]["turn_id"]
    for cut in range(len(whole) - 1):
        rest = await RESUMES[protocol](at, session, turn, cut)
        assert [event["sequence"] for event in rest] == list(range(cut + 1, len(whole))), f"cut after {cut}"
        assert [essence(e) for e in rest] == [essence(e) for e in whole[cut + 1 :]], f"cut after {cut}"


@pytest.mark.parametrize("reader", ["SSE", "WebSocket"])
async def test_a_connection_cut_in_the_middle_of_a_running_reply_loses_nothing(
    copilot: Copilot, reader: str
) -> None:
    at = Addresses.of(copilot.state())
    body = {"content": five_ways.QUESTION, "as_of": five_ways.recent().isoformat()}
    seen: list[dict[str, Any]] = []
    async with aiohttp.ClientSession() as client:
        response = await client.post(
            f"{at.http}/api/v1/messages", json=body, headers={"Accept": "text/event-stream"}
        )
        async for raw in response.content:
            if raw.startswith(b"data: "):
                seen.append(json.loads(raw.removeprefix(b"data: ")))
                break
        response.close()  # the client vanishes after the first event
    first = seen[0]
    rest = await RESUMES[reader](at, first["session_id"], first["turn_id"], first["sequence"])
    assert [event["sequence"] for event in rest] == list(range(1, len(rest) + 1))
    assert rest[-1]["type"] == "reply.completed"


async def test_yes_takes_up_the_offer_with_the_same_window_and_ranked_figures(copilot: Copilot) -> None:
    at = Addresses.of(copilot.state())
    as_of = five_ways.recent()
    asked = (await five_ways.by_rest(at, as_of))[0]["message"]
    assert asked["content"].endswith("Would you like me to investigate the upstream dependencies?")
    async with aiohttp.ClientSession() as client:
        response = await client.post(
            f"{at.http}/api/v1/messages", json={"session_id": asked["session_id"], "content": "Yes"}
        )
        upstream = await response.json()
    assert upstream["intent"]["name"] == "affirm"
    assert all(item["range"]["end"] == asked["evidence"][0]["range"]["end"] for item in upstream["evidence"])
    assert upstream["content"].index("orders") < upstream["content"].index("inventory")
