"""The gateway's process: everything put together, started, and stopped without losing a reply."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
import uvloop
from aiohttp import web

from actors.platform.bus import Bus
from actors.platform.bus.nats import CONNECT_ERRORS, NatsTransport
from actors.platform.bus.transport import Transport
from actors.platform.config import Settings, mask_url
from actors.platform.telemetry import Telemetry
from gateway import asyncapi, docs, middleware, openapi, websocket
from gateway.call import GATEWAY
from gateway.connection import Connection
from gateway.connections import Bounds, Connections, raise_descriptors
from gateway.gateway import Gateway
from gateway.grpc.server import GrpcServer
from gateway.listen import BACKLOG, Addresses, open_socket, shown
from gateway.rest.system import VERSION
from gateway.routes import ROUTES
from schemas.envelope import Envelope
from schemas.subjects import METRICS
from schemas.system import MetricsReport, MetricsRequest

log = structlog.get_logger(__name__)

POOL = "gateway"
CONNECTIONS_GAUGE = ("copilot_gateway_connections", "Open HTTP and WebSocket connections.")
RETRY_SECONDS = 0.2
SAY_SECONDS = 1.0  # a bus that is not there after this long is waited for aloud
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Running:
    gateway: Gateway
    addresses: Addresses


async def serve(
    settings: Settings,
    *,
    say: Say,
    slot: str = "gateway-0",
    ready: Callable[[Addresses], None] = lambda addresses: None,
) -> None:
    """Serves until SIGTERM or SIGINT; then finishes running turns for up to `server.drain_seconds`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with opened(settings, say=say, slot=slot) as running:
            ready(running.addresses)
            await stop.wait()
            say("stopping: running turns are finished first")
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def run(settings: Settings, *, say: Say, slot: str = "gateway-0", ready: Callable[[Addresses], None]) -> None:
    """`serve` on uvloop, in a process of its own."""

    def started(addresses: Addresses) -> None:
        _calm_the_collector()
        ready(addresses)

    uvloop.run(serve(settings, say=say, slot=slot, ready=started))


def _calm_the_collector() -> None:
    """What is there after the start stays for good and need not be looked through again: about a tenth of
    the processor time of a turn."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    say: Say,
    slot: str = "gateway-0",
    transport: Transport | None = None,
) -> AsyncGenerator[Running]:
    """A gateway that listens. Where the bus is late it listens without: alive, and not ready."""
    telemetry = Telemetry(POOL, slot, settings.telemetry)
    changes: list[Callable[[bool], None]] = []

    def changed(connected: bool) -> None:
        for tell in changes:
            tell(connected)

    bus = Bus(transport or NatsTransport(settings.nats.url, slot, changed), slot, telemetry)
    gateway = Gateway.build(settings, bus, telemetry)
    gateway.documents.update(documents())
    changes.append(_re_read(gateway))
    joining = asyncio.create_task(_join(gateway))
    try:
        await asyncio.wait((joining,), timeout=SAY_SECONDS)
        if not joining.done():
            say(f"waiting for NATS at {mask_url(settings.nats.url)}")
        async with _listening(gateway, say, changes) as addresses:
            yield Running(gateway, addresses)
        await gateway.limiter.close()
    finally:
        joining.cancel()
        await asyncio.gather(joining, return_exceptions=True)
        await bus.close()
        telemetry.shutdown()


@asynccontextmanager
async def _listening(
    gateway: Gateway, say: Say, changes: list[Callable[[bool], None]]
) -> AsyncGenerator[Addresses]:
    server = gateway.settings.server
    runner = web.AppRunner(
        application(gateway), access_log=None, shutdown_timeout=server.drain_seconds, handle_signals=False
    )
    await runner.setup()
    bounds = Bounds.of(gateway.settings.limits, raise_descriptors())
    connections = Connections(bounds, gateway.telemetry.gauge(*CONNECTIONS_GAUGE))
    grpc_server = GrpcServer(gateway, bounds.grpc)
    accepting: asyncio.Server | None = None
    http = _protocol(runner)
    try:
        listening = open_socket(server.host, server.port, "HTTP", say)
        accepting = await asyncio.get_running_loop().create_server(
            lambda: Connection(connections, http), sock=listening, backlog=BACKLOG
        )
        connections.watch()
        grpc_port = await grpc_server.start(server.host, server.grpc_port, say)
        changes.append(grpc_server.tell_soon)
        await grpc_server.tell(gateway.bus.connected)
        url = f"http://{shown(server.host, listening.getsockname()[1])}"
        yield Addresses(http=url, grpc=shown(server.host, grpc_port))
    finally:
        if accepting is not None:
            accepting.close()
        gateway.stop_following()
        await asyncio.gather(grpc_server.stop(server.drain_seconds), runner.cleanup())
        connections.close()


def _protocol(runner: web.AppRunner) -> web.Server:
    if runner.server is None:
        raise RuntimeError("the runner has not been set up")
    return runner.server


def application(gateway: Gateway) -> web.Application:
    app = web.Application(
        middlewares=[middleware.front_door],
        client_max_size=gateway.settings.limits.body_bytes,
    )
    app[GATEWAY] = gateway
    for route in ROUTES:
        handler = middleware.endpoint(route)
        if route.method == "GET":
            app.router.add_get(route.path, handler, allow_head=route.head)
        else:
            app.router.add_route(route.method, route.path, handler)
    websocket.attach(app, gateway)
    app.on_response_prepare.append(middleware.add_headers)
    return app


def documents() -> dict[str, bytes]:
    described = openapi.document(ROUTES, VERSION)
    return {
        "openapi": json.dumps(described).encode(),
        "asyncapi": json.dumps(asyncapi.document(VERSION)).encode(),
        "docs": docs.page(described).encode(),
    }


async def _join(gateway: Gateway) -> None:
    """Waits for the bus: the order in which servers start does not matter."""
    for step in (gateway.bus.connect, partial(_show_metrics, gateway)):
        while True:
            try:
                await step()
                break
            except CONNECT_ERRORS:
                await asyncio.sleep(RETRY_SECONDS)  # said by whoever waits for this


def _re_read(gateway: Gateway) -> Callable[[bool], None]:
    def changed(connected: bool) -> None:
        log.info("gateway.bus", connected=connected)
        if connected:
            gateway.replies.reconnected()

    return changed


async def _show_metrics(gateway: Gateway) -> None:
    async def report(envelope: Envelope[MetricsRequest]) -> MetricsReport:
        return gateway.telemetry.report()

    await gateway.bus.serve(METRICS, report)
