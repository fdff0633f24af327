"""One CloudEvent over HTTP, structured or binary: the same events as on the bus."""

from __future__ import annotations

import json

from aiohttp import web
from pydantic import BaseModel

from gateway.call import JSON, Call, json_answer
from gateway.pools import BUS_ERRORS
from schemas.conversation import SubmitTurn
from schemas.envelope import STRUCTURED, StructuredEvent, parse, structured
from schemas.errors import InvalidInput, Unavailable, UnsupportedMedia, Violation
from schemas.rest import Alert, AlertTaken
from schemas.subjects import ALERT_EVENT, SUBMIT_TURN, TURN_EVENT


async def post(call: Call) -> web.StreamResponse:
    event, data = await _event(call)
    if event.type in (SUBMIT_TURN.type, TURN_EVENT.type):
        return json_answer(await _submit(call, event, parse(data, SubmitTurn)), 202)
    if event.type == ALERT_EVENT.type:
        return json_answer(await _alert(call, event, parse(data, Alert)), 202)
    known = ", ".join((SUBMIT_TURN.type, TURN_EVENT.type, ALERT_EVENT.type))
    wrong = Violation(pointer="/type", detail=f"must be one of {known}")
    raise InvalidInput("this type of event is not taken", violations=(wrong,))


async def _submit(call: Call, event: StructuredEvent, submission: SubmitTurn) -> BaseModel:
    if submission.session_id is not None:
        call.caller.check_session(submission.session_id)
    return await call.gateway.turns.submit(call.caller, submission, id=event.id, source=event.source)


async def _alert(call: Call, event: StructuredEvent, alert: Alert) -> AlertTaken:
    """Returns once the stream has the alert: it is kept although every actor is down."""
    try:
        await call.gateway.bus.append(
            ALERT_EVENT,
            alert,
            kind=ALERT_EVENT.type,
            expected=None,
            id=event.id,
            source=event.source,
            authorization=call.caller.authorization,
        )
    except BUS_ERRORS as error:
        raise Unavailable("the alert could not be stored") from error
    return AlertTaken(id=event.id)


async def _event(call: Call) -> tuple[StructuredEvent, bytes]:
    """The event and its data as JSON. Raises UnsupportedMedia, MalformedBody, InvalidInput."""
    body, request = await call.raw_body(), call.request
    if request.content_type == STRUCTURED:
        event = structured(body)
        return event, json.dumps(event.data).encode()
    if request.content_type == JSON and "ce-type" in request.headers:
        return _binary(request), body
    raise UnsupportedMedia(f"send one CloudEvent: {STRUCTURED}, or {JSON} with ce-* headers")


def _binary(request: web.Request) -> StructuredEvent:
    attributes = {
        name: request.headers[f"ce-{name}"]
        for name in ("specversion", "id", "source", "type")
        if f"ce-{name}" in request.headers
    }
    return structured(json.dumps(attributes).encode())
