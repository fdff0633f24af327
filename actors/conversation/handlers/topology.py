"""What calls what, from the catalogue."""

from __future__ import annotations

from actors.conversation import answers
from actors.conversation.handlers.request import Request, Said
from schemas.adapters import CATALOGUE, Catalogue, Empty
from schemas.context import Shown


async def dependencies(request: Request) -> Said:
    """Of one service: what it calls, directly and further, and who calls it. Without one: all calls."""
    catalogue = await request.ask.act(CATALOGUE, Empty(), request.identity)
    graph, service = catalogue.output.depends_on, request.plan.service
    if service is None:
        return Said(answers.graph_answer(graph), degraded=catalogue.output.degraded)
    calls = graph.get(service, ())
    callers = tuple(name for name, called in graph.items() if service in called)
    further = _further(catalogue.output, service)
    shown = (*calls, *further, *callers)
    return Said(
        answers.dependencies_answer(service, calls, further, callers),
        shown=Shown(type="service", names=tuple(dict.fromkeys(shown))) if shown else None,
        degraded=catalogue.output.degraded,
    )


def _further(catalogue: Catalogue, service: str) -> tuple[str, ...]:
    """What is called by what `service` calls, nearest first."""
    direct = catalogue.depends_on.get(service, ())
    found: list[str] = []
    ahead = list(direct)
    for caller in ahead:
        for called in catalogue.depends_on.get(caller, ()):
            if called != service and called not in direct and called not in found:
                found.append(called)
                ahead.append(called)
    return tuple(found)
