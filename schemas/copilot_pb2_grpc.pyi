"""Types of the generated service; a unit test compares the methods with copilot.proto."""

from collections.abc import AsyncIterable
from typing import Any

import grpc
import grpc.aio

from schemas import copilot_pb2 as pb

_Context = grpc.aio.ServicerContext[Any, Any]

class CoPilotServiceStub:
    def __init__(self, channel: grpc.aio.Channel) -> None: ...
    SendMessage: grpc.aio.UnaryUnaryMultiCallable[pb.MessageRequest, pb.MessageResponse]
    StreamResponse: grpc.aio.UnaryStreamMultiCallable[pb.MessageRequest, pb.ResponseChunk]
    Resume: grpc.aio.UnaryStreamMultiCallable[pb.ResumeRequest, pb.ResponseChunk]
    CreateSession: grpc.aio.UnaryUnaryMultiCallable[pb.SessionRequest, pb.SessionResponse]
    CreateWorkflow: grpc.aio.UnaryUnaryMultiCallable[pb.WorkflowRequest, pb.WorkflowResponse]
    GetWorkflowStatus: grpc.aio.UnaryStreamMultiCallable[pb.StatusRequest, pb.StatusUpdate]
    DecideApproval: grpc.aio.UnaryUnaryMultiCallable[pb.ApprovalRequest, pb.StatusUpdate]
    CancelWorkflow: grpc.aio.UnaryUnaryMultiCallable[pb.CancelRequest, pb.StatusUpdate]

class CoPilotServiceServicer:
    async def SendMessage(self, request: pb.MessageRequest, context: _Context) -> pb.MessageResponse: ...
    def StreamResponse(
        self, request: pb.MessageRequest, context: _Context
    ) -> AsyncIterable[pb.ResponseChunk]: ...
    def Resume(self, request: pb.ResumeRequest, context: _Context) -> AsyncIterable[pb.ResponseChunk]: ...
    async def CreateSession(self, request: pb.SessionRequest, context: _Context) -> pb.SessionResponse: ...
    async def CreateWorkflow(self, request: pb.WorkflowRequest, context: _Context) -> pb.WorkflowResponse: ...
    def GetWorkflowStatus(
        self, request: pb.StatusRequest, context: _Context
    ) -> AsyncIterable[pb.StatusUpdate]: ...
    async def DecideApproval(self, request: pb.ApprovalRequest, context: _Context) -> pb.StatusUpdate: ...
    async def CancelWorkflow(self, request: pb.CancelRequest, context: _Context) -> pb.StatusUpdate: ...

def add_CoPilotServiceServicer_to_server(servicer: CoPilotServiceServicer, server: grpc.aio.Server) -> None: ...
