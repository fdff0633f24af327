"""The permission of an intent, what is missing, the handler: in that order, for each request of the message."""

from __future__ import annotations

from actors.conversation import answers
from actors.conversation.handlers import later, own, sequence, talk, telemetry, topology
from actors.conversation.handlers.request import Handle, Request, Said
from schemas.adapters import Degraded
from schemas.errors import BackendUnavailable, Forbidden

HANDLERS: dict[str, Handle] = {
    "metric_query": telemetry.metric,
    "metric_compare": telemetry.measured,
    "slo_query": telemetry.measured,
    "capacity_forecast": telemetry.measured,
    "cost_query": telemetry.measured,
    "service_health": telemetry.health,
    "upstream": telemetry.upstream,
    "dependency_query": topology.dependencies,
    "help": talk.capabilities,
    "affirm": talk.nothing_offered,
    "deny": talk.deny,
    "out_of_scope": talk.out_of_scope,
    "own_template": own.template,
    **dict.fromkeys(
        (
            "log_query", "trace_query", "anomaly_detect", "root_cause", "alert_query",
            "incident_query", "incident_create", "incident_update", "incident_resolve", "postmortem_generate",
            "runbook_execute", "test_generate", "test_execute", "test_coverage", "workflow_start",
            "workflow_status", "workflow_control", "approval_decide", "deploy", "scale", "rollback",
            "knowledge_query", "remember", "own_workflow",
        ),
        later.not_yet,
    ),
}  # fmt: skip
"""By the names that the registry of intents gives them, and those of offers."""


async def respond(request: Request) -> Said:
    """Raises Forbidden where the caller may not ask for one of the requests: then none is carried out."""
    for handling in (request.meaning.handling, *(part.handling for part in request.meaning.parts)):
        if not request.identity.may(handling.permission):
            raise Forbidden(f"this needs the permission {handling.permission}")
    if request.meaning.parts:
        return await sequence.in_order(request, _one)
    return await _one(request)


async def _one(request: Request) -> Said:
    """Asks back what is missing, or hands to the handler; a backend that is away is said."""
    if request.meaning.unknown_services:
        return await talk.unknown_service(request)
    if request.meaning.missing:
        return talk.ask_back(request)
    try:
        return await HANDLERS[request.meaning.handling.handler](request)
    except BackendUnavailable as error:
        return Said(
            content=answers.backend_down_answer(error.detail),
            degraded=(Degraded(part="prometheus", reason=error.detail),),
        )
