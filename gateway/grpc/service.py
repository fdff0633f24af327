"""CoPilotService: the same turns, sessions and events as over HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NoReturn

from actors.platform.bus.ids import new_session_id
from gateway.auth import Caller
from gateway.gateway import Gateway
from gateway.grpc import messages
from gateway.grpc.border import Border, Context
from schemas import copilot_pb2 as pb
from schemas import copilot_pb2_grpc
from schemas.context import NewSession
from schemas.conversation import TurnRef
from schemas.errors import InvalidInput, NotThereYet
from schemas.subjects import CREATE_SESSION, TURN_OUTCOME


class CoPilotService(copilot_pb2_grpc.CoPilotServiceServicer):
    def __init__(self, gateway: Gateway, border: Border) -> None:
        self._gateway = gateway
        self._border = border

    async def SendMessage(self, request: pb.MessageRequest, context: Context) -> pb.MessageResponse:
        async with self._border.crossing("SendMessage", context) as call:
            wanted = messages.submission(request)
            return messages.message(await self._gateway.turns.answer(call.caller, wanted, call.idempotency_key))
        raise AssertionError("an aborted call does not come here")

    async def StreamResponse(
        self, request: pb.MessageRequest, context: Context
    ) -> AsyncGenerator[pb.ResponseChunk]:
        async with self._border.crossing("StreamResponse", context) as call:
            wanted = messages.submission(request)
            with self._gateway.streams.opened(call.caller.owner, "grpc"):
                async with await self._gateway.turns.begin(call.caller, wanted, call.idempotency_key) as turn:
                    async for event in turn.follower:
                        yield messages.chunk(event)

    async def Resume(self, request: pb.ResumeRequest, context: Context) -> AsyncGenerator[pb.ResponseChunk]:
        async with self._border.crossing("Resume", context) as call:
            await self._check_turn(call.caller, request)
            after = request.after if request.HasField("after") else -1
            with self._gateway.streams.opened(call.caller.owner, "grpc"):
                async with self._gateway.replies.follow(request.session_id, request.turn_id, after) as follower:
                    async for event in follower:
                        yield messages.chunk(event)

    async def CreateSession(self, request: pb.SessionRequest, context: Context) -> pb.SessionResponse:
        async with self._border.crossing("CreateSession", context) as call:
            wanted = messages.new_session(request)
            new = NewSession(
                id=new_session_id(call.caller.owner),
                name=wanted.name,
                timezone=wanted.timezone,
                metadata=wanted.metadata,
                identity=call.caller.identity,
            )
            found = await self._gateway.pools.ask(CREATE_SESSION, new, authorization=call.caller.authorization)
            return messages.session(found)
        raise AssertionError("an aborted call does not come here")

    async def CreateWorkflow(self, request: pb.WorkflowRequest, context: Context) -> pb.WorkflowResponse:
        async with self._border.crossing("CreateWorkflow", context):
            _not_yet()
        raise AssertionError("an aborted call does not come here")

    async def GetWorkflowStatus(
        self, request: pb.StatusRequest, context: Context
    ) -> AsyncGenerator[pb.StatusUpdate]:
        async with self._border.crossing("GetWorkflowStatus", context):
            _not_yet()
        yield pb.StatusUpdate()

    async def DecideApproval(self, request: pb.ApprovalRequest, context: Context) -> pb.StatusUpdate:
        async with self._border.crossing("DecideApproval", context):
            _not_yet()
        raise AssertionError("an aborted call does not come here")

    async def CancelWorkflow(self, request: pb.CancelRequest, context: Context) -> pb.StatusUpdate:
        async with self._border.crossing("CancelWorkflow", context):
            _not_yet()
        raise AssertionError("an aborted call does not come here")

    async def _check_turn(self, caller: Caller, request: pb.ResumeRequest) -> None:
        """Raises NotFound where there is no such turn of the caller's, InvalidInput for what is no turn id."""
        caller.check_session(request.session_id)
        if not request.turn_id or any(c in request.turn_id for c in " .*>\t\r\n\0") or len(request.turn_id) > 64:
            raise InvalidInput("turn_id is not a turn id")
        owner = request.session_id.partition(".")[0]
        ref = TurnRef(owner=owner, session_id=request.session_id, turn_id=request.turn_id)
        await self._gateway.pools.ask(TURN_OUTCOME, ref)


def _not_yet() -> NoReturn:
    raise NotThereYet("workflows are not available in this version")
