"""The shop over HTTP: scrapes, actions, state, logs and traces."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from aiohttp import web

from actors.embedded.shop import ENVIRONMENT, ENVIRONMENTS
from actors.embedded.shop.actions import InvalidAction, KeyUsed, NothingToRollBack, parse
from actors.embedded.shop.exposition import CONTENT_TYPE
from actors.embedded.shop.generator import chunk_of, micros
from actors.embedded.shop.logs import logs
from actors.embedded.shop.reading import InvalidReading, rfc3339, selection
from actors.embedded.shop.scenario import DAY
from actors.embedded.shop.shop import Shop
from actors.embedded.shop.traces import trace, traces

LARGEST_BODY = 16 * 1024
HISTORY_SHOWN = 20

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Clock = Callable[[], float]


class Api:
    """The handlers. What takes more than a moment runs in a thread: a scrape need not wait for a search."""

    def __init__(self, shop: Shop, clock: Clock = time.time) -> None:
        self._shop = shop
        self._clock = clock

    def application(self) -> web.Application:
        app = web.Application(middlewares=[errors_as_json], client_max_size=LARGEST_BODY)
        app.add_routes(
            [
                web.get("/health", self.health),
                web.get("/metrics/{service}", self.metrics),
                web.get("/state", self.state),
                web.post("/actions", self.actions),
                web.get("/logs", self.logs),
                web.get("/traces", self.traces),
            ]
        )
        app.on_cleanup.append(self._keep)
        return app

    @property
    def _now(self) -> int:
        return micros(self._clock())

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def metrics(self, request: web.Request) -> web.Response:
        service = request.match_info["service"]
        if service not in self._shop.scenario.own_services:
            raise web.HTTPNotFound(text=f"no service {service!r}")
        text = await asyncio.to_thread(self._shop.metrics, service, self._now)
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def state(self, request: web.Request) -> web.Response:
        now = self._now
        environment = request.query.get("environment", ENVIRONMENT)
        if environment not in ENVIRONMENTS:
            raise InvalidReading(f"no environment {environment!r}; there are {', '.join(ENVIRONMENTS)}")
        services = {name: self._service(name, now, environment) for name in self._names}
        return web.json_response({"time": rfc3339(now), "environment": environment, "services": services})

    async def actions(self, request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            # A web page may make a browser post anything but this without asking.
            raise web.HTTPUnsupportedMediaType(text="the body must be application/json")
        try:
            asked = parse(json.loads(await request.read()))
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidAction(f"the body is not JSON: {error}") from error
        action = await asyncio.to_thread(self._shop.act, asked, self._now)
        after = self._service(asked.service, action.at, asked.environment)
        return web.json_response({**action.as_json(), "at": rfc3339(action.at), "state": after})

    async def logs(self, request: web.Request) -> web.Response:
        asked = selection(request.query, self._shop, self._now)
        return web.json_response({"logs": await asyncio.to_thread(logs, self._shop, asked)})

    async def traces(self, request: web.Request) -> web.Response:
        now = self._now
        trace_id = request.query.get("trace_id")
        if trace_id is not None:
            found = await asyncio.to_thread(trace, self._shop, trace_id.lower(), now)
            return web.json_response({"traces": [] if found is None else [found]})
        asked = selection(request.query, self._shop, now)
        return web.json_response({"traces": await asyncio.to_thread(traces, self._shop, asked)})

    @property
    def _names(self) -> tuple[str, ...]:
        return self._shop.scenario.own_services

    def _service(self, name: str, now: int, environment: str) -> dict[str, object]:
        line = self._shop.line(name, now, environment)
        life, past = line.at(now), line.between(now - 7 * DAY, now + 1)
        return {
            "version": life.version,
            "previous_version": life.versions[-2] if len(life.versions) > 1 else None,
            "canary": asdict(life.canary) if life.canary else None,
            "replicas": life.replicas,
            "deployed_at": rfc3339(life.deployed_at),
            "started_at": rfc3339(life.started_at),
            "restarts": life.restarts,
            "history": [
                {
                    "at": rfc3339(each.at),
                    "event": each.event,
                    "by": each.by,
                    "version": each.version,
                    "canary": asdict(each.canary) if each.canary else None,
                    "replicas": each.replicas,
                }
                for each in past[-HISTORY_SHOWN:]
            ],
        }

    async def _keep(self, app: web.Application) -> None:
        await asyncio.to_thread(self._shop.keep, chunk_of(self._now))


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """`{"error": …}` for whatever goes wrong on the caller's side."""
    try:
        return await handler(request)
    except (NothingToRollBack, KeyUsed) as error:
        return web.json_response({"error": str(error)}, status=409)
    except (InvalidAction, InvalidReading) as error:
        return web.json_response({"error": str(error)}, status=400)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return web.json_response({"error": error.text or error.reason}, status=error.status)
