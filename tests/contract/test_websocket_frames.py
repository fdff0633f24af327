"""`/ws`: frames, spellings, several turns at once, subscriptions, tokens."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

import aiohttp
import pytest
from yarl import URL

from gateway import socket as socket_module
from tests.contract.conftest import System
from tests.contract.fakes import PoolsDouble

QUESTION = "What is the error rate for the payment service in the last hour?"
Socket = aiohttp.ClientWebSocketResponse


async def receive(socket: Socket) -> dict[str, Any]:
    return json.loads(await asyncio.wait_for(socket.receive_str(), 5))


async def until(socket: Socket, kind: str, turn: str | None = None) -> list[dict[str, Any]]:
    frames = []
    while True:
        frames.append(await receive(socket))
        if frames[-1]["type"] == kind and turn in (None, frames[-1]["turn_id"]):
            return frames


@pytest.mark.scripted
async def test_turn_comes_as_numbered_frames(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect("/ws") as socket:
        await socket.send_json({"type": "SendMessage", "content": QUESTION, "turn_id": "t"})
        frames = await until(socket, "MessageComplete")
    assert [frame["sequence"] for frame in frames] == list(range(len(frames)))
    names = [frame["type"] for frame in frames]
    assert names == ["ReplyStarted", "Evidence", "StreamChunk", "StreamChunk", "StreamChunk", "MessageComplete"]
    assert set(frames[2]) == {"type", "session_id", "turn_id", "sequence", "chunk"}
    assert frames[-1]["message"]["turn_id"] == "t"


async def test_answer_uses_the_spelling_of_the_request(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect("/ws") as socket:
        await socket.send_json({"type": "send_message", "content": QUESTION})
        frames = await until(socket, "message_complete")
        assert {frame["type"] for frame in frames} == {
            "reply_started",
            "evidence",
            "stream_chunk",
            "message_complete",
        }
        await socket.send_json({"type": "ping"})
        assert await receive(socket) == {"type": "pong"}
        await socket.send_json({"type": "Ping"})
        assert await receive(socket) == {"type": "Pong"}


async def test_repeated_turn_id_is_the_same_turn(http: aiohttp.ClientSession, double: PoolsDouble) -> None:
    async with http.ws_connect("/ws") as socket:
        seen = []
        for _ in range(2):
            await socket.send_json({"type": "SendMessage", "content": QUESTION, "turn_id": "t"})
            seen.append(await until(socket, "MessageComplete"))
    assert seen[0] == seen[1]
    assert len(double.turns) == 1


@pytest.mark.parametrize(
    "frame",
    [
        "not json",
        "[]",
        "7",
        "[" * 50_000,
        '{"type": "Nothing"}',
        '{"type": 7}',
        "{}",
        '{"type": "SendMessage"}',
        '{"type": "SendMessage", "content": ""}',
        '{"type": "SendMessage", "content": "a\\u0000"}',
        '{"type": "SendMessage", "content": "   "}',
        '{"type": "SendMessage", "content": "a", "turn_id": "a.*"}',
        '{"type": "Subscribe", "session_id": ">"}',
        '{"type": "Subscribe"}',
    ],
)
async def test_malformed_frame_gets_an_error_and_the_socket_stays(http: aiohttp.ClientSession, frame: str) -> None:
    async with http.ws_connect("/ws") as socket:
        await socket.send_str(frame)
        error = await receive(socket)
        assert error["type"] == "Error"
        assert error["problem"]["status"] in (400, 422)
        await socket.send_json({"type": "Ping"})
        assert (await receive(socket))["type"] == "Pong"


async def test_workflow_frames_say_that_they_come_later(http: aiohttp.ClientSession) -> None:
    decide = {
        "type": "DecideApproval",
        "workflow_id": "w",
        "step_id": "s",
        "decision": "approve",
        "plan_hash": "h",
    }
    async with http.ws_connect("/ws") as socket:
        for frame in ({"type": "ExecuteWorkflow", "template": "t"}, decide):
            await socket.send_json(frame)
            assert (await receive(socket))["problem"]["status"] == 501


async def test_several_turns_at_once(http: aiohttp.ClientSession, double: PoolsDouble) -> None:
    async with http.ws_connect("/ws") as socket:
        await socket.send_json({"type": "SendMessage", "content": "hold", "turn_id": "slow"})
        assert (await receive(socket))["turn_id"] == "slow"
        await socket.send_json({"type": "SendMessage", "content": QUESTION, "turn_id": "fast"})
        frames = await until(socket, "MessageComplete")
        assert {frame["turn_id"] for frame in frames} == {"fast"}
        double.turn("slow").released.set()
        assert (await until(socket, "MessageComplete"))[-1]["turn_id"] == "slow"


@pytest.mark.scripted
async def test_failed_turn_is_an_error_of_that_turn(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect("/ws") as socket:
        await socket.send_json({"type": "SendMessage", "content": "fail", "turn_id": "t"})
        frames = await until(socket, "Error")
    assert (frames[-1]["turn_id"], frames[-1]["sequence"], frames[-1]["problem"]["status"]) == ("t", 1, 503)


@pytest.mark.scripted
async def test_subscription_shows_past_and_live_turns_once(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/v1/messages", json={"content": QUESTION, "turn_id": "one"}) as response:
        session_id = (await response.json())["session_id"]
    async with http.ws_connect("/ws") as socket:
        await socket.send_json({"type": "Subscribe", "session_id": session_id, "after": "one:3"})
        past = await until(socket, "MessageComplete", "one")
        assert [frame["sequence"] for frame in past] == [4, 5]
        await socket.send_json({"type": "SendMessage", "content": "x", "turn_id": "two", "session_id": session_id})
        live = await until(socket, "MessageComplete", "two")
        assert [(frame["turn_id"], frame["sequence"]) for frame in live] == [("two", n) for n in range(6)]
        await socket.send_json({"type": "Ping"})
        assert (await receive(socket))["type"] == "Pong"


async def test_sessions_of_others_cannot_be_used(
    http: aiohttp.ClientSession, stranger: aiohttp.ClientSession
) -> None:
    async with http.post("/api/v1/messages", json={"content": QUESTION}) as response:
        session_id = (await response.json())["session_id"]
    async with stranger.ws_connect("/ws") as socket:
        for frame in ({"type": "Subscribe"}, {"type": "SendMessage", "content": "a"}):
            await socket.send_json({**frame, "session_id": session_id})
            assert (await receive(socket))["problem"]["status"] == 404


async def test_token_as_subprotocol(nobody: aiohttp.ClientSession, system: System) -> None:
    protocols = ("copilot.v1", f"bearer.{system.token()}")
    async with nobody.ws_connect("/ws", protocols=protocols) as socket:
        assert socket.protocol == "copilot.v1"
        await socket.send_json({"type": "Ping"})
        assert (await receive(socket))["type"] == "Pong"


async def test_token_in_the_url_or_none_is_refused(nobody: aiohttp.ClientSession, system: System) -> None:
    for path in ("/ws", f"/ws?token={system.token()}", f"/ws?access_token={system.token()}"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await nobody.ws_connect(path)
        assert refused.value.status == 401


async def test_plain_request_is_told_to_upgrade(http: aiohttp.ClientSession) -> None:
    async with http.get("/ws") as response:
        assert response.status == 422
        assert response.content_type == "application/problem+json"


async def test_socket_ends_with_its_token_and_is_told(nobody: aiohttp.ClientSession, system: System) -> None:
    headers = {"Authorization": f"Bearer {system.token('ada', 'viewer', 2)}"}
    async with nobody.ws_connect("/ws", headers=headers) as socket:
        started = time.time()
        assert (await receive(socket))["problem"]["status"] == 401
        assert (await asyncio.wait_for(socket.receive(), 5)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1008
        assert time.time() - started < 4


@pytest.mark.scripted
async def test_reader_that_takes_nothing_is_let_go(
    http: aiohttp.ClientSession, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "SLOW_SECONDS", 0.5)
    monkeypatch.setattr(socket_module, "CLOSE_SECONDS", 0.5)
    url = URL(system.http)
    reader, writer = await asyncio.open_connection(url.host, url.port, limit=1024)
    handshake = (
        f"GET /ws HTTP/1.1\r\nHost: {url.host}\r\nAuthorization: Bearer {system.token()}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    writer.write(handshake.encode())
    await reader.readuntil(b"\r\n\r\n")
    frame = json.dumps({"type": "SendMessage", "content": "large 400"}).encode()
    writer.write(bytes([0x81, 0x80 | len(frame), 0, 0, 0, 0]) + frame)
    await come_and_gone(http)
    writer.close()


async def come_and_gone(http: aiohttp.ClientSession) -> None:
    """Returns once the gauge of open sockets has been at 1 and is back at 0."""
    wanted = ["1.0", "0.0"]
    deadline = time.monotonic() + 20
    while wanted:
        assert time.monotonic() < deadline, f"the gauge never came to {wanted[0]}"
        async with http.get("/metrics") as response:
            text = await response.text()
        if re.search(rf'copilot_gateway_streams{{protocol="websocket"[^}}]*}} {wanted[0]}', text):
            wanted.pop(0)


@pytest.mark.scripted
async def test_long_reply_to_a_reader_that_waits(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect("/ws") as socket:
        await socket.send_json({"type": "SendMessage", "content": "chunks 3000"})
        frames = [frame for frame in await until(socket, "MessageComplete") if frame["type"] != "Error"]
    assert [frame["sequence"] for frame in frames] == list(range(3003))
