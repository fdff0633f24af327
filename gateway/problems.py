"""Errors as RFC 9457 answers."""

from __future__ import annotations

import math

import structlog
from aiohttp import web

from gateway.pools import BUS_ERRORS
from schemas.errors import (
    CopilotError,
    Internal,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    Problem,
    TooLarge,
    TooSlow,
    Unavailable,
    UnsupportedMedia,
)

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
HTTP_ERRORS: dict[int, tuple[type[CopilotError], str]] = {
    404: (NotFound, "there is nothing at this path"),
    413: (TooLarge, "the body is larger than the server takes"),
    415: (UnsupportedMedia, "this media type is not understood here"),
}


def as_error(error: Exception) -> CopilotError:
    """What went wrong, in the error tree; what nobody foresaw is logged and told without its insides."""
    if isinstance(error, CopilotError):
        return error
    if isinstance(error, web.HTTPMethodNotAllowed):
        return MethodNotAllowed(f"allowed here: {', '.join(sorted(error.allowed_methods))}")
    if isinstance(error, web.HTTPException):
        kind, detail = HTTP_ERRORS.get(error.status, (MalformedBody, error.reason or "a malformed request"))
        return kind(detail) if error.status < 500 else Internal(detail)
    if isinstance(error, BUS_ERRORS):
        return Unavailable("the bus does not answer at the moment", after=1.0)
    log.error("gateway.unexpected", error=repr(error), exc_info=error)
    return Internal("an unexpected error; the log of the gateway has the details")


def answer(problem: Problem, headers: dict[str, str] | None = None) -> web.Response:
    body = problem.model_dump_json(exclude_none=True, exclude=None if problem.errors else {"errors"})
    sent = {**(headers or {}), "Content-Type": CONTENT_TYPE}
    if problem.retry_after is not None:
        sent["Retry-After"] = str(max(1, math.ceil(problem.retry_after)))
    if problem.status == 401:
        sent["WWW-Authenticate"] = 'Bearer realm="copilot"'
    return web.Response(status=problem.status, body=body.encode(), headers=sent)


def of(error: Exception, path: str, request_id: str) -> web.Response:
    """An aborted body still has to be closed: what was not read of it would be taken for the next request."""
    found = as_error(error)
    headers: dict[str, str] = {}
    if isinstance(error, web.HTTPMethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    response = answer(found.problem(instance=path, request_id=request_id), headers)
    if isinstance(found, (TooLarge, TooSlow, MalformedBody)):
        response.force_close()
    return response
