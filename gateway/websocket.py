"""The WebSocket `/ws`: many turns and sessions at once on one socket."""

from __future__ import annotations

import asyncio

import structlog
from aiohttp import WSMessage, WSMsgType, web

from gateway.auth import Caller, lifetime
from gateway.call import GATEWAY
from gateway.connection import Connection
from gateway.gateway import Gateway
from gateway.socket import Socket
from schemas.errors import CopilotError, InvalidInput, Unauthenticated

log = structlog.get_logger(__name__)

PROTOCOL = "copilot.v1"
BEARER = "bearer."
PING_SECONDS = 30.0
FRAME_BYTES = 12 << 20
SOCKETS = web.AppKey("sockets", set[Socket])


def attach(app: web.Application, gateway: Gateway) -> None:
    app[SOCKETS] = set()
    app.router.add_get("/ws", connect, allow_head=False)
    app.on_shutdown.append(_going_away)


async def connect(request: web.Request) -> web.StreamResponse:
    gateway = request.app[GATEWAY]
    gateway.doorkeeper.refuse_foreign_pages(request.headers)
    caller = gateway.doorkeeper.identify(_authorization(request))
    caller.need("chat")
    with gateway.streams.opened(caller.owner, "websocket"):
        answer = web.WebSocketResponse(
            protocols=(PROTOCOL,), heartbeat=PING_SECONDS, max_msg_size=FRAME_BYTES, compress=False
        )
        if not answer.can_prepare(request).ok:
            raise InvalidInput("this path speaks WebSocket: send an upgrade")
        await answer.prepare(request)
        _takes_frames(request)
        socket = Socket(gateway, caller, answer, request)
        request.app[SOCKETS].add(socket)
        try:
            await _converse(socket, answer, caller, request)
        finally:
            request.app[SOCKETS].discard(socket)
            await socket.end()
    return answer


def _authorization(request: web.Request) -> str | None:
    """The header, or the subprotocol pair: a browser cannot set headers here. Never the URL."""
    header = request.headers.get("Authorization")
    if header is not None:
        return header
    offered = [part.strip() for part in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    token = next((part.removeprefix(BEARER) for part in offered if part.startswith(BEARER)), None)
    return f"Bearer {token}" if token and PROTOCOL in offered else None


async def _converse(socket: Socket, answer: web.WebSocketResponse, caller: Caller, request: web.Request) -> None:
    try:
        async with lifetime(caller):
            async for message in answer:
                _takes_frames(request)
                await _take(socket, message)
    except TimeoutError:
        await socket.problem(Unauthenticated("the token has expired: connect again with a new one"))
        await socket.close(1008, "token expired")


def _takes_frames(request: web.Request) -> None:
    if isinstance(request.protocol, Connection):
        request.protocol.takes_frames()


async def _take(socket: Socket, message: WSMessage) -> None:
    try:
        if message.type is WSMsgType.TEXT:
            await socket.receive(str(message.data))
        elif message.type is WSMsgType.BINARY:
            raise InvalidInput("send frames as text")
    except CopilotError as error:
        await socket.problem(error)


async def _going_away(app: web.Application) -> None:
    """Running turns are finished first; then each socket is told and closed."""
    limit = app[GATEWAY].settings.server.drain_seconds
    await asyncio.gather(*(socket.finish(limit) for socket in tuple(app[SOCKETS])))
