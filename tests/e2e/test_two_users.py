"""Two users with tokens: neither sees, resumes, subscribes to or guesses the other's session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import grpc
import grpc.aio
import nats
import nats.errors
import pytest
from nats.aio.client import Client

from schemas import copilot_pb2, copilot_pb2_grpc
from schemas.identity import owner_token
from tests.support.guarded import Guarded
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

TURN = "secret-turn"


class Person:
    """A user with a token, over HTTP."""

    def __init__(self, guarded: Guarded, name: str, *roles: Any) -> None:
        self.name = name
        self.token = guarded.token(name, *roles)
        self.owner = owner_token(name)
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.base = guarded.copilot.address("http")

    async def call(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession(headers=self.headers) as client,
            client.request(method, self.base + path, **more) as response,
        ):
            text = await response.text()
            return response.status, json.loads(text) if text else None


@pytest.fixture
def alice(guarded: Guarded) -> Person:
    return Person(guarded, "alice")


@pytest.fixture
def mallory(guarded: Guarded) -> Person:
    """Every role but the administrator's."""
    return Person(guarded, "mallory", "viewer", "operator", "approver")


@pytest.fixture
async def secret(alice: Person) -> dict[str, Any]:
    """A message in a session of Alice."""
    status, message = await alice.call("POST", "/api/v1/messages", json={"content": "what can you do?"})
    assert status == 200, message
    return message


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/sessions/{session}"),
        ("DELETE", "/api/v1/sessions/{session}"),
        ("GET", "/api/v1/messages/{session}"),
        ("GET", "/api/v1/sessions/{session}/events"),
    ],
)
async def test_over_rest_the_others_session_does_not_exist(
    alice: Person, mallory: Person, secret: dict[str, Any], method: str, path: str
) -> None:
    status, problem = await mallory.call(method, path.format(session=secret["session_id"]))
    assert status == 404
    absent = secret["session_id"][:-5] + "00000"
    unknown_status, unknown = await mallory.call(method, path.format(session=absent))
    assert unknown_status == 404
    same = {key: value for key, value in problem.items() if key not in ("instance", "request_id", "detail")}
    assert same == {k: v for k, v in unknown.items() if k not in ("instance", "request_id", "detail")}
    assert (await alice.call("GET", f"/api/v1/sessions/{secret['session_id']}"))[0] == 200


async def test_over_rest_the_other_can_neither_speak_in_it_nor_resume(
    mallory: Person, secret: dict[str, Any]
) -> None:
    status, _ = await mallory.call(
        "POST", "/api/v1/messages", json={"content": "hello", "session_id": secret["session_id"]}
    )
    assert status == 404
    async with aiohttp.ClientSession(headers=mallory.headers) as client:
        response = await client.get(
            f"{mallory.base}/api/v1/sessions/{secret['session_id']}/events",
            headers={"Last-Event-ID": f"{secret['turn_id']}:0"},
        )
        assert response.status == 404


async def test_lists_show_ones_own_only(alice: Person, mallory: Person, secret: dict[str, Any]) -> None:
    _, mine = await alice.call("GET", "/api/v1/sessions")
    _, others = await mallory.call("GET", "/api/v1/sessions")
    assert secret["session_id"] in [item["id"] for item in mine["items"]]
    assert secret["session_id"] not in [item["id"] for item in others["items"]]


async def test_the_administrator_may_read(guarded: Guarded, secret: dict[str, Any]) -> None:
    admin = Person(guarded, "root", "admin")
    status, page = await admin.call("GET", f"/api/v1/messages/{secret['session_id']}")
    assert status == 200
    assert [item["role"] for item in page["items"]] == ["user", "assistant"]


@pytest.mark.parametrize("how", ["header", "subprotocol"])
async def test_over_websocket_it_does_not_exist_either(mallory: Person, secret: dict[str, Any], how: str) -> None:
    headers = mallory.headers if how == "header" else None
    protocols = () if how == "header" else ("copilot.v1", f"bearer.{mallory.token}")
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{mallory.base}/ws", headers=headers, protocols=protocols) as socket,
    ):
        for frame in (
            {"type": "Subscribe", "session_id": secret["session_id"]},
            {"type": "Subscribe", "session_id": secret["session_id"], "after": f"{secret['turn_id']}:0"},
            {"type": "SendMessage", "session_id": secret["session_id"], "content": "hello"},
        ):
            await socket.send_json(frame)
            answer = await socket.receive_json(timeout=20)
            assert answer["type"] == "Error"
            assert answer["problem"]["status"] == 404


@pytest.mark.parametrize("token", [None, "nonsense", "e30.e30.e30"])
async def test_without_a_valid_token_nobody_gets_in(guarded: Guarded, token: str | None) -> None:
    base = guarded.copilot.address("http")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(headers=headers) as client:
        for method, path in (
            ("GET", "/api/v1/sessions"),
            ("POST", "/api/v1/messages"),
            ("POST", "/api/v1/queries/metrics"),
            ("POST", "/api/v1/events"),
        ):
            response = await client.request(method, base + path, json={} if method == "POST" else None)
            assert response.status == 401, path
            assert response.content_type == "application/problem+json"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"{base}/ws")
        assert refused.value.status == 401


async def test_an_expired_token_is_refused(guarded: Guarded) -> None:
    token = guarded.token("alice", seconds=1)
    base = guarded.copilot.address("http")

    async def refused() -> bool:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as client:
            return (await client.get(f"{base}/api/v1/sessions")).status == 401

    await eventually(refused)


@pytest.fixture
async def stub(guarded: Guarded) -> AsyncIterator[Any]:
    address = guarded.copilot.address("grpc").removeprefix("grpc://")
    async with grpc.aio.insecure_channel(address) as channel:
        yield cast(Any, copilot_pb2_grpc.CoPilotServiceStub(channel))  # the generated stub is not typed


async def test_over_grpc_it_does_not_exist_either(stub: Any, mallory: Person, secret: dict[str, Any]) -> None:
    metadata = (("authorization", f"Bearer {mallory.token}"),)
    message = copilot_pb2.MessageRequest(session_id=secret["session_id"], content="hello")
    resume = copilot_pb2.ResumeRequest(session_id=secret["session_id"], turn_id=secret["turn_id"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.SendMessage(message, metadata=metadata)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    for call in (stub.StreamResponse(message, metadata=metadata), stub.Resume(resume, metadata=metadata)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [chunk async for chunk in call]
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.SendMessage(copilot_pb2.MessageRequest(content="hello"))
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


class Listener:
    """A NATS client with a token; permission errors arrive by their own way."""

    def __init__(self) -> None:
        self.client: Client
        self.errors: list[str] = []

    async def _failed(self, error: Exception) -> None:
        self.errors.append(str(error))

    @classmethod
    async def connect(cls, guarded: Guarded, person: Person) -> Listener:
        one = cls()
        one.client = await nats.connect(
            guarded.copilot.address("nats"),
            token=person.token,
            inbox_prefix=f"_INBOX.{person.owner}",
            error_cb=one._failed,
            allow_reconnect=False,
        )
        return one

    async def refused(self, subject: str) -> None:
        """Fails unless the server has refused this subject."""

        async def told() -> bool:
            return any(
                "permissions violation" in e.lower() and f'"{subject.lower()}"' in e.lower() for e in self.errors
            )

        await eventually(told)


async def test_over_nats_a_client_has_its_own_subjects_and_nothing_else(
    guarded: Guarded, alice: Person, mallory: Person, secret: dict[str, Any]
) -> None:
    listener = await Listener.connect(guarded, mallory)
    client = listener.client
    for subject in (
        f"copilot.v1.reply.{alice.owner}.>",
        f"copilot.v1.reply.{secret['session_id']}.>",
        "copilot.v1.reply.>",
        "copilot.v1.>",
        "copilot.v1.internal.>",
        "_INBOX.>",
        f"_INBOX.{alice.owner}.>",
        "_INBOX_internal.>",
        "$SYS.>",
        ">",
    ):
        await client.subscribe(subject)
        await listener.refused(subject)
    for subject in (
        "copilot.v1.internal.turn.wake",
        "copilot.v1.context.session.get",
        "copilot.v1.adapters.observatory.query",
        f"copilot.v1.reply.{alice.owner}.x",
        "$JS.API.STREAM.PURGE.REPLIES",
    ):
        await client.publish(subject, b"{}")
        await listener.refused(subject)
    await client.close()


async def test_over_nats_one_asks_and_hears_ones_own_reply(guarded: Guarded, alice: Person) -> None:
    listener = await Listener.connect(guarded, alice)
    replies = await listener.client.subscribe(f"copilot.v1.reply.{alice.owner}.>")
    answer = await listener.client.request(
        "copilot.v1.turn.submit",
        json.dumps({"content": "what can you do?"}).encode(),
        timeout=20,
        headers={"authorization": f"Bearer {alice.token}"},
    )
    accepted = json.loads(answer.data)
    assert accepted["session_id"].startswith(alice.owner)
    while True:
        event = json.loads((await replies.next_msg(timeout=20)).data)
        if event["turn_id"] == accepted["turn_id"] and event["type"] == "reply.completed":
            break
    assert listener.errors == []
    await listener.client.close()


async def test_over_nats_a_message_needs_its_own_identity_and_cannot_enter_anothers_session(
    guarded: Guarded, mallory: Person, secret: dict[str, Any]
) -> None:
    listener = await Listener.connect(guarded, mallory)

    async def problem(body: dict[str, Any], headers: dict[str, str]) -> int:
        answer = await listener.client.request(
            "copilot.v1.turn.submit", json.dumps(body).encode(), timeout=20, headers=headers
        )
        return json.loads(answer.data)["status"]

    mine = {"authorization": f"Bearer {mallory.token}"}
    assert await problem({"content": "x"}, {"x": "y"}) == 401
    assert await problem({"content": "x"}, {"authorization": "Bearer nonsense"}) == 401
    assert await problem({"content": "x", "session_id": secret["session_id"]}, mine) == 404
    await listener.client.close()


@pytest.mark.parametrize("token", ["", "nonsense"])
async def test_over_nats_nobody_connects_without_a_token(guarded: Guarded, token: str) -> None:
    with pytest.raises(nats.errors.Error):
        async with asyncio.timeout(20):
            await nats.connect(guarded.copilot.address("nats"), token=token or None, allow_reconnect=False)


async def test_the_same_turn_id_of_two_users_is_two_turns(alice: Person, mallory: Person) -> None:
    owners: set[str] = set()
    for person in (alice, mallory):
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"{person.base}/ws", headers=person.headers) as socket,
        ):
            await socket.send_json({"type": "SendMessage", "content": "help", "turn_id": TURN})
            while (frame := await socket.receive_json(timeout=20))["type"] != "MessageComplete":
                assert frame["type"] != "Error", frame
            owners.add(frame["message"]["session_id"].split(".")[0])
    assert owners == {alice.owner, mallory.owner}
