"""Idempotency-Key on every POST that is not a turn: same key and body, same answer, for 24 hours.

(A turn keeps its key itself: see `turns.py`.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog
from aiohttp import web

from gateway.call import REQUEST_ID, Call
from gateway.problems import CONTENT_TYPE, answer
from schemas.context import IdempotencyClaim, IdempotencyResult
from schemas.errors import CopilotError, InProgress, Retryable, Terminal, Unauthenticated
from schemas.subjects import CLAIM_KEY, FINISH_KEY

log = structlog.get_logger(__name__)

REPLAYED = "Idempotent-Replayed"
Handle = Callable[[Call], Awaitable[web.StreamResponse]]


async def once(call: Call, handle: Handle) -> web.StreamResponse:
    """Raises IdempotencyMismatch for another body, InProgress while the first request is being worked on."""
    key = call.idempotency_key()
    if key is None:
        return await handle(call)
    claim = IdempotencyClaim(owner=call.caller.owner, key=key, fingerprint=await _fingerprint(call))
    state = await call.gateway.pools.ask(CLAIM_KEY, claim, authorization=call.caller.authorization)
    if state.state == "running":
        raise InProgress("a request with this Idempotency-Key is being worked on", after=1.0)
    if state.state == "done":
        return _replayed(state.status or 200, state.body or "")
    try:
        response = await _first(replace(call, resource_id=state.resource_id), handle)
    except (Retryable, Unauthenticated):
        await _finish(call, IdempotencyResult(owner=call.caller.owner, key=key))
        raise
    if isinstance(response, web.Response):
        result = IdempotencyResult(
            owner=call.caller.owner, key=key, status=response.status, body=response.text or ""
        )
        await _finish(call, result)
    return response


async def _first(call: Call, handle: Handle) -> web.StreamResponse:
    """A refusal that stands is an answer too. One that may pass is not stored: the key can be tried again."""
    try:
        return await handle(call)
    except (Retryable, Unauthenticated):
        raise
    except Terminal as error:
        return answer(error.problem(instance=call.request.path, request_id=call.request[REQUEST_ID]))


async def _finish(call: Call, result: IdempotencyResult) -> None:
    try:
        await call.gateway.pools.ask(FINISH_KEY, result, authorization=call.caller.authorization)
    except CopilotError as error:
        # What was done is done and is answered; a repetition meets the same resource id.
        log.warning("idempotency.finish", key=result.key, error=repr(error))


def _replayed(status: int, body: str) -> web.Response:
    kind = "application/json" if status < 400 else CONTENT_TYPE
    return web.Response(status=status, body=body.encode(), headers={"Content-Type": kind, REPLAYED: "true"})


async def _fingerprint(call: Call) -> str:
    digest = hashlib.sha256(f"{call.request.method} {call.request.path}\0".encode())
    digest.update(await call.raw_body())
    return digest.hexdigest()
