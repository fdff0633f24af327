"""Intents whose backend is not there: they say what was understood, what is missing, and the query where there is
one. Nothing is made up, nothing is changed."""

from __future__ import annotations

from actors.conversation import answers
from actors.conversation.handlers.request import Request, Said
from schemas.adapters import TRANSLATE, Degraded, Translation
from schemas.errors import BackendUnavailable, InvalidInput, NotThereYet

QUERIED = frozenset({"log_query", "trace_query"})
"""Intents that have a query, although nothing runs it."""


async def not_yet(request: Request) -> Said:
    handler = request.meaning.handling.handler
    translation = await _translation(request) if handler in QUERIED else None
    told = answers.later_answer(handler, request.meaning.entities, translation)
    return Said(
        told.content,
        suggestions=told.instead,
        degraded=(Degraded(part=handler, reason="not available in this version"),),
    )


async def _translation(request: Request) -> Translation | None:
    """None where the plan has no query in any language."""
    try:
        return (await request.ask.act(TRANSLATE, request.plan, request.identity)).output
    except (InvalidInput, NotThereYet, BackendUnavailable):
        return None
