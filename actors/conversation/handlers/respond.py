"""The permission of an intent, what is missing, the handler: in that order."""

from __future__ import annotations

from dataclasses import dataclass

from actors.conversation import answers
from actors.conversation.handlers import talk, telemetry
from actors.conversation.handlers.request import Handle, Request, Said
from schemas.adapters import Degraded
from schemas.context import WorkingMemory
from schemas.errors import BackendUnavailable, Forbidden
from schemas.identity import Permission


@dataclass(frozen=True, slots=True)
class IntentEntry:
    permission: Permission
    handle: Handle


INTENTS: dict[str, IntentEntry] = {
    "metric_query": IntentEntry("telemetry.read", telemetry.metric),
    "service_health": IntentEntry("telemetry.read", telemetry.health),
    "help": IntentEntry("chat", talk.capabilities),
    "affirm": IntentEntry("telemetry.read", talk.affirm),
    "deny": IntentEntry("chat", talk.deny),
    "out_of_scope": IntentEntry("chat", talk.out_of_scope),
}


async def respond(request: Request) -> Said:
    """Checks the permission, asks back what is missing, hands to the handler; a backend that is away is said."""
    intent = INTENTS[request.meaning.intent.name]
    if not request.identity.may(intent.permission):
        raise Forbidden(f"this needs the permission {intent.permission}")
    if request.meaning.unknown_services:
        return await talk.unknown_service(request)
    if request.meaning.missing:
        return talk.ask_back(request)
    try:
        return await intent.handle(request)
    except BackendUnavailable as error:
        return Said(
            content=answers.backend_down_answer(error.detail),
            memory=WorkingMemory(plan=request.meaning.plan),
            degraded=(Degraded(part="prometheus", reason=error.detail),),
        )
