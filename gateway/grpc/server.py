"""The gRPC server: the service, health and reflection on one port, in the gateway's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from gateway.gateway import Gateway
from gateway.grpc.border import Border
from gateway.grpc.service import CoPilotService
from gateway.listen import shown
from schemas import copilot_pb2, copilot_pb2_grpc

MESSAGE_BYTES = 12 << 20
SERVICE = copilot_pb2.DESCRIPTOR.services_by_name["CoPilotService"].full_name
CALLS = 4_096  # at once; more are refused with RESOURCE_EXHAUSTED
OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    ("grpc.max_concurrent_streams", 1_024),  # of one connection
    ("grpc.server_handshake_timeout_ms", 5_000),  # one that never speaks HTTP/2 is closed
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.so_reuseport", 0),  # two servers on one port would share its calls without anybody knowing
)


class GrpcServer:
    def __init__(self, gateway: Gateway, connections: int) -> None:
        bound = ("grpc.max_allowed_incoming_connections", connections)
        self._server = grpc.aio.server(options=(*OPTIONS, bound), maximum_concurrent_rpcs=CALLS)
        self._health = cast("Any", health).aio.HealthServicer()
        border = Border(gateway)
        copilot_pb2_grpc.add_CoPilotServiceServicer_to_server(CoPilotService(gateway, border), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self._tellings: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int, say: Callable[[str], None]) -> int:
        """Returns the port: a free one when `port` is taken."""
        bound = self._bind(host, port)
        if not bound:
            bound = self._bind(host, 0)
            say(f"port {port} is taken: gRPC listens on port {bound} instead")
        await self._server.start()
        return bound

    def tell_soon(self, serving: bool) -> None:
        task = asyncio.get_running_loop().create_task(self.tell(serving))
        self._tellings.add(task)
        task.add_done_callback(self._tellings.discard)

    async def stop(self, seconds: float) -> None:
        await self._health.enter_graceful_shutdown()
        await self._server.stop(seconds)

    async def tell(self, serving: bool) -> None:
        """Without the bus nothing can be answered, and the health service says so."""
        kinds = health_pb2.HealthCheckResponse
        status = kinds.SERVING if serving else kinds.NOT_SERVING
        for name in ("", SERVICE):
            await self._health.set(name, status)

    def _bind(self, host: str, port: int) -> int:
        try:
            return self._server.add_insecure_port(shown(host, port))
        except RuntimeError:
            if port == 0:
                raise
            return 0  # taken; the caller tries a free one
