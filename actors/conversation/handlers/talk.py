"""What needs no backend of its own: help, yes and no, questions back, refusals."""

from __future__ import annotations

from actors.conversation import answers
from actors.conversation.colleagues import Answer
from actors.conversation.handlers.request import Request, Said
from schemas.adapters import CATALOGUE, Catalogue, Empty
from schemas.conversation import Clarification


async def nothing_offered(request: Request) -> Said:
    """A yes to nothing: one to an offer goes to the handler of what was offered."""
    return Said(answers.nothing_offered_answer())


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
    """The near names are the options of a question back; a plain yes takes the only one."""
    catalogue = await _catalogue(request)
    meaning = request.meaning
    unknown = meaning.unknown_services[0]
    question = answers.unknown_service_answer(unknown, catalogue.output.services)
    asked = Clarification(question=question, missing=meaning.missing, options=meaning.options)
    return Said(
        question,
        suggestions=unknown.near,
        degraded=catalogue.output.degraded,
        clarification=asked if meaning.missing else None,
    )


def ask_back(request: Request) -> Said:
    meaning = request.meaning
    question = answers.clarification(meaning.missing, meaning.options, candidates=meaning.ambiguous)
    return Said(
        question,
        clarification=Clarification(question=question, missing=meaning.missing, options=meaning.options),
    )


async def _catalogue(request: Request) -> Answer[Catalogue]:
    return await request.ask.act(CATALOGUE, Empty(), request.identity)
