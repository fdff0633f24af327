"""Sessions: create, list, get, delete."""

from __future__ import annotations

from aiohttp import web

from actors.platform.bus.ids import new_ulid
from gateway.call import Call, json_answer
from schemas.context import NewSession, PageRequest, SessionRef
from schemas.rest import CreateSession
from schemas.subjects import CREATE_SESSION, DELETE_SESSION, GET_SESSION, LIST_SESSIONS


async def create(call: Call) -> web.StreamResponse:
    wanted = await call.body(CreateSession)
    session_id = f"{call.caller.owner}.{call.resource_id or new_ulid()}"
    new = NewSession(
        id=session_id,
        name=wanted.name,
        timezone=wanted.timezone,
        metadata=wanted.metadata,
        identity=call.caller.identity,
    )
    session = await call.gateway.pools.ask(CREATE_SESSION, new, authorization=call.caller.authorization)
    return json_answer(session, 201, {"Location": f"/api/v1/sessions/{session.id}"})


async def several(call: Call) -> web.StreamResponse:
    request = PageRequest(identity=call.caller.identity, **call.page())
    page = await call.gateway.pools.ask(LIST_SESSIONS, request, authorization=call.caller.authorization)
    return json_answer(page)


async def one(call: Call) -> web.StreamResponse:
    ref = SessionRef(id=call.session_id(), identity=call.caller.identity)
    return json_answer(await call.gateway.pools.ask(GET_SESSION, ref, authorization=call.caller.authorization))


async def delete(call: Call) -> web.StreamResponse:
    ref = SessionRef(id=call.session_id(), identity=call.caller.identity)
    await call.gateway.pools.ask(DELETE_SESSION, ref, authorization=call.caller.authorization)
    return web.Response(status=204)
