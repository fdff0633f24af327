"""The one table of routes: what is served, who may use it, and how it is described."""

from __future__ import annotations

from gateway.call import JSON
from gateway.rest import events, later, messages, nlu, queries, sessions, system
from gateway.route import Parameter, Route
from schemas.context import Session, SessionPage
from schemas.conversation import HistoryPage, Message, TurnAccepted
from schemas.envelope import STRUCTURED, StructuredEvent
from schemas.rest import (
    AlertTaken,
    CreateSession,
    Health,
    MetricsQuery,
    MetricsQueryAnswer,
    Parsed,
    ParseText,
    PostMessage,
    Readiness,
)

PAGE = (
    Parameter(
        "limit", "query", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 100, "default": 50}
    ),
    Parameter("cursor", "query", "The `next_cursor` of the page before.", {"type": "string", "minLength": 1}),
)
LAST_EVENT = Parameter(
    "Last-Event-ID",
    "header",
    "The id of the last event seen, `<turn_id>:<sequence>`: what came after it is sent first.",
    {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}:[0-9]{1,9}$"},
)
S = "/api/v1/sessions"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/health", system.health, "Whether the process is alive", "system", answers=Health),
    Route(
        "GET", "/ready", system.ready, "Whether bus, store and every pool answer", "system", answers=Readiness
    ),
    Route("GET", "/metrics", system.metrics, "All processes' metrics", "system", media="text/plain"),
    Route("GET", "/openapi.json", system.openapi, "This description", "system", answers=dict),
    Route("GET", "/asyncapi.json", system.asyncapi, "The subjects on NATS", "system", answers=dict),
    Route("GET", "/docs", system.docs, "This description, to be read", "system", media="text/html"),
    Route(
        "POST", S, sessions.create, "Create a session", "sessions",
        permission="chat", asks=CreateSession, answers=Session, status=201, idempotent=True,
    ),
    Route(
        "GET", S, sessions.several, "One's sessions, newest first", "sessions",
        permission="chat", answers=SessionPage, parameters=PAGE,
    ),
    Route(
        "GET", S + "/{id}", sessions.one, "One session", "sessions",
        permission="chat", answers=Session, problems=(404,),
    ),
    Route(
        "DELETE", S + "/{id}", sessions.delete, "Delete a session with all it holds", "sessions",
        permission="chat", status=204, problems=(404,),
    ),
    Route(
        "GET", S + "/{id}/events", messages.session_events, "The session's events as they come", "messages",
        permission="chat", media="text/event-stream", parameters=(LAST_EVENT,), problems=(404, 422), head=False,
    ),
    Route(
        "POST", "/api/v1/messages", messages.post, "Ask", "messages",
        permission="chat", asks=PostMessage, answers=Message, streams=True, problems=(404, 409, 504),
    ),
    Route(
        "GET", "/api/v1/messages/{session_id}", messages.history, "The messages of a session", "messages",
        permission="chat", answers=HistoryPage, parameters=PAGE, problems=(404,),
    ),
    Route(
        "POST", "/api/v1/nlu/parse", nlu.parse, "See how a text is understood", "understanding",
        permission="chat", asks=ParseText, answers=Parsed, idempotent=True, problems=(404, 504),
    ),
    Route(
        "POST", "/api/v1/queries/metrics", queries.metrics, "Query the metrics without a conversation", "queries",
        permission="telemetry.read", asks=MetricsQuery, answers=MetricsQueryAnswer, idempotent=True,
        problems=(504,),
    ),
    Route(
        "POST", "/api/v1/events", events.post, "Hand in one CloudEvent", "events",
        permission="chat", asks=StructuredEvent, asks_media=(STRUCTURED, JSON), answers=TurnAccepted | AlertTaken,
        status=202, idempotent=True, problems=(404, 409),
    ),
    *later.routes(),
)  # fmt: skip
