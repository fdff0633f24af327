"""gRPC: the same turns and events, errors as statuses with the problem beside them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import grpc
import grpc.aio
import pytest
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from schemas import copilot_pb2 as pb
from schemas import copilot_pb2_grpc
from tests.contract.conftest import System
from tests.contract.fakes import PoolsDouble

QUESTION = "What is the error rate for the payment service in the last hour?"


@pytest.fixture
async def channel(system: System) -> AsyncIterator[grpc.aio.Channel]:
    options = (("grpc.max_receive_message_length", 12 << 20), ("grpc.max_send_message_length", 12 << 20))
    async with grpc.aio.insecure_channel(system.grpc, options=options) as opened:
        yield opened


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> copilot_pb2_grpc.CoPilotServiceStub:
    return copilot_pb2_grpc.CoPilotServiceStub(channel)


@pytest.fixture
def ada(system: System) -> tuple[tuple[str, str], ...]:
    return (("authorization", system.headers()["Authorization"]),)


def refusal(error: grpc.aio.AioRpcError) -> dict[str, object]:
    trailing = dict(error.trailing_metadata() or ())
    return json.loads(trailing["copilot-problem-bin"])


@pytest.mark.scripted
async def test_whole_message(stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...]) -> None:
    request = pb.MessageRequest(content=QUESTION, turn_id="t", as_of=datetime(2026, 1, 1, tzinfo=UTC))
    reply = await stub.SendMessage(request, metadata=ada)
    assert (reply.turn_id, reply.role, reply.intent.name) == ("t", "assistant", "metric_query")
    assert reply.evidence[0].result.value.number_value == pytest.approx(0.0023)
    assert not reply.HasField("clarification")


@pytest.mark.scripted
async def test_stream_has_the_events_of_http_in_their_order(
    stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...], http: aiohttp.ClientSession
) -> None:
    request = pb.MessageRequest(content=QUESTION, turn_id="t")
    chunks = [chunk async for chunk in stub.StreamResponse(request, metadata=ada)]
    assert [chunk.sequence for chunk in chunks] == list(range(6))
    kinds = [chunk.WhichOneof("event") for chunk in chunks]
    assert kinds == ["started", "evidence", "chunk", "chunk", "chunk", "completed"]
    async with http.post("/api/v1/messages", json={"content": QUESTION, "turn_id": "t"}) as response:
        message = await response.json()
    assert chunks[-1].completed.content == message["content"]
    shown = MessageToDict(chunks[-1].completed, preserving_proto_field_name=True)
    assert shown["created_at"] == message["created_at"]


@pytest.mark.parametrize("after", [None, 0, 3, 5])
@pytest.mark.scripted
async def test_resume_after_any_event(
    stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...], after: int | None
) -> None:
    reply = await stub.SendMessage(pb.MessageRequest(content=QUESTION), metadata=ada)
    request = pb.ResumeRequest(session_id=reply.session_id, turn_id=reply.turn_id, after=after)
    got = [chunk.sequence async for chunk in stub.Resume(request, metadata=ada)]
    assert got == list(range((after + 1) if after is not None else 0, 6))


@pytest.mark.scripted
async def test_failed_turn(stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.SendMessage(pb.MessageRequest(content="fail"), metadata=ada)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    assert refusal(failed.value)["type"] == "urn:copilot:problem:backend-unavailable"
    chunks = [chunk async for chunk in stub.StreamResponse(pb.MessageRequest(content="fail"), metadata=ada)]
    assert chunks[-1].failed.status == 503


@pytest.mark.parametrize(
    "request_",
    [
        pb.MessageRequest(),
        pb.MessageRequest(content="x" * 10_001),
        pb.MessageRequest(content="a\0"),
        pb.MessageRequest(content="a", turn_id="a.*"),
        pb.MessageRequest(content="a", session_id=">"),
    ],
)
async def test_invalid_requests(
    stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...], request_: pb.MessageRequest
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.SendMessage(request_, metadata=ada)
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal(failed.value)["errors"]


async def test_tokens_and_owners(
    stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...], system: System
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.SendMessage(pb.MessageRequest(content="a"))
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED
    reply = await stub.SendMessage(pb.MessageRequest(content="a"), metadata=ada)
    mallory = (("authorization", system.headers("mallory")["Authorization"]),)
    resume = pb.ResumeRequest(session_id=reply.session_id, turn_id=reply.turn_id)
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        _ = [chunk async for chunk in stub.Resume(resume, metadata=mallory)]
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.SendMessage(pb.MessageRequest(content="a", session_id=reply.session_id), metadata=mallory)
    assert failed.value.code() is grpc.StatusCode.NOT_FOUND


async def test_session(stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...]) -> None:
    request = pb.SessionRequest(name="On call", timezone="Europe/Vienna", metadata={"team": "a"})
    session = await stub.CreateSession(request, metadata=ada)
    assert (session.name, session.timezone, session.metadata["team"]) == ("On call", "Europe/Vienna", "a")
    reply = await stub.SendMessage(pb.MessageRequest(content="a", session_id=session.id), metadata=ada)
    assert reply.session_id == session.id
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.CreateSession(pb.SessionRequest(timezone="Mars"), metadata=ada)
    assert refusal(failed.value)["errors"] == [
        {"pointer": "/timezone", "detail": "Value error, not an IANA time zone such as 'UTC' or 'Europe/Vienna'"}
    ]


async def test_workflows_are_unimplemented(
    stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...]
) -> None:
    calls = (
        stub.CreateWorkflow(pb.WorkflowRequest(), metadata=ada),
        stub.DecideApproval(pb.ApprovalRequest(), metadata=ada),
        stub.CancelWorkflow(pb.CancelRequest(), metadata=ada),
        stub.GetWorkflowStatus(pb.StatusRequest(), metadata=ada).read(),
    )
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await call
        assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "workflows" in (failed.value.details() or "")


async def test_deadline_of_the_client(
    stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...], double: PoolsDouble
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.SendMessage(pb.MessageRequest(content="hold", turn_id="h"), metadata=ada, timeout=0.3)
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    turn = double.turn("h")
    turn.released.set()
    request = pb.ResumeRequest(session_id=turn.session_id, turn_id="h", after=0)
    chunks = [chunk async for chunk in stub.Resume(request, metadata=ada)]
    assert chunks[-1].WhichOneof("event") == "completed"


async def test_trace_and_request_id_return(
    stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...]
) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    metadata = (*ada, ("traceparent", trace), ("x-request-id", "abc"))
    call = stub.SendMessage(pb.MessageRequest(content="a"), metadata=metadata)
    got = dict(await call.initial_metadata())
    assert got["traceparent"].split("-")[1] == trace.split("-")[1]
    assert got["x-request-id"] == "abc"
    await call


async def test_health_and_reflection(channel: grpc.aio.Channel) -> None:
    health = health_pb2_grpc.HealthStub(channel)
    for name in ("", "copilot.v1.CoPilotService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    reflect = reflection_pb2_grpc.ServerReflectionStub(channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    async for answer in reflect.ServerReflectionInfo(requests):
        names = {service.name for service in answer.list_services_response.service}
        assert {"copilot.v1.CoPilotService", "grpc.health.v1.Health"} <= names


async def test_large_request_reaches_validation(
    stub: copilot_pb2_grpc.CoPilotServiceStub, ada: tuple[tuple[str, str], ...]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await asyncio.wait_for(stub.SendMessage(pb.MessageRequest(content="x" * (10 << 20)), metadata=ada), 10)
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
