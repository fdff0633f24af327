"""What happens to every HTTP request before and after its handler."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_urldispatcher import MatchInfoError

from actors.platform.bus.ids import new_ulid
from gateway import problems
from gateway.call import ALLOWANCE, GATEWAY, REQUEST_ID, TRACE, Call
from gateway.connection import Connection
from gateway.idempotency import once
from gateway.route import Route

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
UNMATCHED = "unmatched"
CLIENT_LEFT = "499"
HARMLESS_ID = re.compile(r"^[A-Za-z0-9._:/+=-]{1,128}$")


@web.middleware
async def front_door(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Request id, trace, errors as problems, metrics."""
    if isinstance(request.protocol, Connection):
        request.protocol.begins()
    gateway, route = request.app[GATEWAY], _route_of(request)
    started = time.perf_counter()
    request[REQUEST_ID] = request_id_of(request.headers.get("X-Request-ID"))
    status = CLIENT_LEFT
    try:
        with gateway.telemetry.border_span(route, request.headers) as span:
            request[TRACE] = span.headers()
            response = await _guarded(request, handler)
            status = str(response.status)
            return response
    finally:
        method = request.method if route != UNMATCHED else "any"
        gateway.traffic.answered(route, method, status, time.perf_counter() - started)
        gateway.bodies.release(request)


def endpoint(route: Route) -> Handler:
    """The route's handler behind identification, permission, rate limit and idempotency key."""

    async def open_to_all(request: web.Request) -> web.StreamResponse:
        return await route.handler(Call(request.app[GATEWAY], request))

    async def known_callers(request: web.Request) -> web.StreamResponse:
        gateway = request.app[GATEWAY]
        gateway.doorkeeper.refuse_foreign_pages(request.headers)
        caller = gateway.doorkeeper.identify(request.headers.get("Authorization"))
        allowance = await gateway.limiter.take(caller.owner)
        request[ALLOWANCE] = allowance
        if not allowance.granted:
            raise gateway.too_many(allowance)
        if route.permission is not None:
            caller.need(route.permission)
        call = Call(gateway, request, caller)
        return await (once(call, route.handler) if route.idempotent else route.handler(call))

    return known_callers if route.permission is not None else open_to_all


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """A signal, not a middleware: a stream's headers leave before its handler returns."""
    if REQUEST_ID in request:
        response.headers["X-Request-ID"] = request[REQUEST_ID]
    response.headers.update(request.get(TRACE, {}))
    allowance = request.get(ALLOWANCE)
    if allowance is not None:
        response.headers.update(allowance.headers())


def request_id_of(given: str | None) -> str:
    """The caller's own id where it is short and harmless, else a new one."""
    return given if given is not None and HARMLESS_ID.fullmatch(given) else new_ulid()


async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ConnectionResetError:
        raise
    except Exception as error:  # noqa: BLE001 - the border: every error becomes a problem, unforeseen ones are logged
        return problems.of(error, request.path, request[REQUEST_ID])


def _route_of(request: web.Request) -> str:
    """The path's pattern, never the path: a metric must not grow with what strangers type."""
    match = request.match_info
    resource = None if isinstance(match, MatchInfoError) else match.route.resource
    return resource.canonical if resource is not None else UNMATCHED
