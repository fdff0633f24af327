"""How the system is: alive, ready, measured, described."""

from __future__ import annotations

import importlib.metadata
import time

from aiohttp import web

from gateway import readiness, scrape
from gateway.call import Call, json_answer
from schemas.rest import Health

VERSION = importlib.metadata.version("llm-copilot-agent")


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
    found = await readiness.probe(call.gateway)
    return json_answer(found, 200 if found.status == "ready" else 503)


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
