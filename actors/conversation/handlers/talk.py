"""What needs no backend of its own: help, yes and no, questions back, refusals."""

from __future__ import annotations

from actors.conversation import answers
from actors.conversation.colleagues import Answer
from actors.conversation.handlers import telemetry
from actors.conversation.handlers.request import Request, Said
from schemas.adapters import CATALOGUE, Catalogue, Empty
from schemas.conversation import Clarification


async def affirm(request: Request) -> Said:
    offer = request.memory.offer
    if offer is None or offer.plan.range is None:
        return Said(answers.nothing_offered_answer())
    return await telemetry.upstream(request, offer.plan, offer.plan.range)


async def deny(request: Request) -> Said:
    return Said(answers.denied_answer())


async def capabilities(request: Request) -> Said:
    catalogue = await _catalogue(request)
    return Said(
        answers.help_answer(catalogue.output.services),
        degraded=catalogue.output.degraded,
    )


async def out_of_scope(request: Request) -> Said:
    return Said(answers.out_of_scope_answer())


async def unknown_service(request: Request) -> Said:
    catalogue = await _catalogue(request)
    unknown = request.meaning.unknown_services[0]
    return Said(
        answers.unknown_service_answer(unknown, catalogue.output.services),
        suggestions=unknown.near,
        degraded=catalogue.output.degraded,
    )


def ask_back(request: Request) -> Said:
    meaning = request.meaning
    question = answers.clarification(meaning.missing, meaning.options)
    return Said(
        question,
        clarification=Clarification(question=question, missing=meaning.missing, options=meaning.options),
    )


async def _catalogue(request: Request) -> Answer[Catalogue]:
    return await request.ask.act(CATALOGUE, Empty(), request.identity)
