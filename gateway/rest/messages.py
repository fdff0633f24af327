"""Asking: as one JSON answer or as server-sent events."""

from __future__ import annotations

import contextlib

import structlog
from aiohttp import web

from gateway.auth import lifetime
from gateway.call import Call, json_answer
from gateway.replies import Follower
from gateway.rest.sse import EventStream
from gateway.turns import submission_of
from schemas.context import PageRequest
from schemas.errors import CopilotError
from schemas.rest import PostMessage
from schemas.subjects import HISTORY

log = structlog.get_logger(__name__)

EVENT_STREAM = "text/event-stream"


async def post(call: Call) -> web.StreamResponse:
    key = call.idempotency_key()
    submission = submission_of(await call.body(PostMessage))
    if EVENT_STREAM not in call.request.headers.get("Accept", ""):
        return json_answer(await call.gateway.turns.answer(call.caller, submission, key))
    with call.gateway.streams.opened(call.caller.owner, "sse"):
        async with await call.gateway.turns.begin(call.caller, submission, key) as turn:
            return await _stream(call, turn.follower)


async def _stream(call: Call, follower: Follower) -> web.StreamResponse:
    async with EventStream(call.request) as stream:
        await _all_of(follower, stream)
    return stream.response


async def _all_of(follower: Follower, stream: EventStream) -> None:
    told = False
    try:
        async for event in follower:
            await stream.send(event)
            if follower.fell_behind and not told:
                told = True
                await stream.comment("you read slowly: events were held back and come from the log")
    except CopilotError as error:
        # The headers are out. The reader sees no last event, keeps its position and can resume.
        log.warning("sse.interrupted", turn=follower.turn_id, error=error.detail)
        await stream.comment(f"interrupted: {error.detail}")


async def history(call: Call) -> web.StreamResponse:
    session_id = call.session_id()
    request = PageRequest(identity=call.caller.identity, session_id=session_id, **call.page())
    return json_answer(await call.gateway.pools.ask(HISTORY, request, authorization=call.caller.authorization))


async def session_events(call: Call) -> web.StreamResponse:
    session_id = call.session_id()
    last_seen = call.request.headers.get("Last-Event-ID") or None
    follower = call.gateway.follow_session(call.caller, session_id, last_seen)
    try:
        with call.gateway.streams.opened(call.caller.owner, "sse"):
            async with follower, EventStream(call.request) as stream:
                ending = "the server is stopping: connect again"
                try:
                    async with (
                        lifetime(call.caller),
                        contextlib.aclosing(follower.events()) as events,
                    ):
                        async for event in events:
                            await stream.send(event)
                except TimeoutError:
                    ending = "the token has expired"
                except CopilotError as error:
                    ending = f"interrupted: {error.detail}"
                await stream.comment(ending)
            return stream.response
    finally:
        call.gateway.followed_sessions.discard(follower)
