"""The permission of an intent, what is missing, the handler: in that order."""

from __future__ import annotations

from actors.conversation import answers
from actors.conversation.handlers import talk, telemetry
from actors.conversation.handlers.request import Handle, Request, Said
from schemas.adapters import Degraded
from schemas.errors import BackendUnavailable, Forbidden

HANDLERS: dict[str, Handle] = {
    "metric": telemetry.metric,
    "health": telemetry.health,
    "help": talk.capabilities,
    "affirm": talk.affirm,
    "deny": talk.deny,
    "out_of_scope": talk.out_of_scope,
}
"""By the names of the registry of intents."""


async def respond(request: Request) -> Said:
    """Checks the permission, asks back what is missing, hands to the handler; a backend that is away is said."""
    handling = request.meaning.handling
    if not request.identity.may(handling.permission):
        raise Forbidden(f"this needs the permission {handling.permission}")
    if request.meaning.unknown_services:
        return await talk.unknown_service(request)
    if request.meaning.missing:
        return talk.ask_back(request)
    try:
        return await HANDLERS[handling.handler](request)
    except BackendUnavailable as error:
        return Said(
            content=answers.backend_down_answer(error.detail),
            degraded=(Degraded(part="prometheus", reason=error.detail),),
        )
