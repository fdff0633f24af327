"""How the system is: alive, ready, measured, described."""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from collections.abc import Iterable

from aiohttp import web

from gateway import scrape
from gateway.call import Call, json_answer
from gateway.gateway import Gateway
from schemas.errors import CopilotError
from schemas.rest import Dependency, Health, Readiness
from schemas.subjects import PING
from schemas.system import Ping

PROBE_SECONDS = 1.0
STORE = "postgresql"
VERSION = importlib.metadata.version("llm-copilot-agent")
_WORST_FIRST = ("down", "not_configured", "up")


async def health(call: Call) -> web.StreamResponse:
    gateway = call.gateway
    return json_answer(
        Health(
            status="draining" if gateway.draining else "ok",
            version=VERSION,
            uptime_seconds=round(time.monotonic() - gateway.started, 3),
        )
    )


async def ready(call: Call) -> web.StreamResponse:
    readiness = await probe(call.gateway)
    return json_answer(readiness, 200 if readiness.status == "ready" else 503)


async def probe(gateway: Gateway) -> Readiness:
    """Asks every pool at once; ready when bus, store and every pool answer and the gateway is not stopping."""
    names = tuple(name for name, pool in gateway.settings.pools.items() if pool.size > 0)
    answers = await asyncio.gather(*(_ping(gateway, name) for name in names))
    pools = tuple(pool for pool, _ in answers)
    others = _merged(dependency for _, found in answers for dependency in found)
    bus = Dependency(name="nats", status="up" if gateway.bus.connected else "down")
    store_up = any(dependency.name == STORE and dependency.status == "up" for dependency in others)
    if not store_up and not any(dependency.name == STORE for dependency in others):
        others = (Dependency(name=STORE, status="down", message="no pool reports it"), *others)
    good = bus.status == "up" and store_up and all(pool.status == "up" for pool in pools)
    ready = good and not gateway.draining
    return Readiness(status="ready" if ready else "not_ready", dependencies=(bus, *pools, *others))


async def _ping(gateway: Gateway, pool: str) -> tuple[Dependency, tuple[Dependency, ...]]:
    started = time.perf_counter()
    try:
        pong = await gateway.pools.ask(PING, Ping(), seconds=PROBE_SECONDS, pool=pool)
    except CopilotError as error:
        return Dependency(name=pool, status="down", message=error.detail), ()
    latency = round((time.perf_counter() - started) * 1e3, 2)
    found = tuple(Dependency(**state.model_dump()) for state in pong.dependencies)
    return Dependency(name=pool, status="up", latency_ms=latency), found


def _merged(found: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """One of each name; where two actors see it differently, the worse view is told."""
    by_name: dict[str, Dependency] = {}
    for dependency in found:
        known = by_name.get(dependency.name)
        if known is None or _WORST_FIRST.index(dependency.status) < _WORST_FIRST.index(known.status):
            by_name[dependency.name] = dependency
    return tuple(by_name.values())


async def metrics(call: Call) -> web.StreamResponse:
    gateway = call.gateway
    if not gateway.settings.server.metrics_open:
        gateway.doorkeeper.identify(call.request.headers.get("Authorization"))
    page = await gateway.scrape.page()
    return web.Response(body=page.encode(), headers={"Content-Type": scrape.CONTENT_TYPE})


async def openapi(call: Call) -> web.StreamResponse:
    return _document(call, "openapi", "application/json")


async def asyncapi(call: Call) -> web.StreamResponse:
    return _document(call, "asyncapi", "application/json")


async def docs(call: Call) -> web.StreamResponse:
    return _document(call, "docs", "text/html; charset=utf-8")


def _document(call: Call, name: str, kind: str) -> web.Response:
    return web.Response(body=call.gateway.documents[name], headers={"Content-Type": kind})
