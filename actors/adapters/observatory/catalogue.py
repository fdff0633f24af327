"""The catalogue: what the backends show, with what the configuration adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from actors.adapters.observatory.discovery import Discovered, Discovery
from actors.platform.config import CatalogueSettings
from schemas.adapters import Catalogue, Degraded
from schemas.errors import CopilotError

PART = "observatory.catalogue"


class CatalogueReader:
    def __init__(self, discovery: Discovery, configured: CatalogueSettings) -> None:
        self._discovery = discovery
        self._configured = configured

    async def read(self) -> Catalogue:
        """Never raises for a backend that is away: then it is the last known, and `degraded` says so."""
        try:
            return self._merged(await self._discovery.current(), ())
        except CopilotError as error:
            last = self._discovery.last
            kept = "the last known state" if last else "the configuration alone"
            return self._merged(last, (Degraded(part=PART, reason=f"{error.detail}; this is {kept}"),))

    def _merged(self, found: Discovered | None, degraded: tuple[Degraded, ...]) -> Catalogue:
        configured = self._configured
        return Catalogue(
            services=_union(found.services if found else (), configured.services),
            environments=_union(found.environments if found else (), configured.environments),
            depends_on=_graph(found.depends_on if found else {}, configured.depends_on),
            degraded=degraded,
        )


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*first, *second}))


def _graph(*graphs: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    merged: defaultdict[str, set[str]] = defaultdict(set)
    for graph in graphs:
        for service, called in graph.items():
            merged[service].update(called)
    return {service: tuple(sorted(called)) for service, called in sorted(merged.items())}


def reachable(graph: Mapping[str, tuple[str, ...]], service: str) -> tuple[str, ...]:
    """The services that `service` calls, directly and further, nearest first; never itself."""
    found: list[str] = []
    ahead = [service]
    for caller in ahead:
        for called in graph.get(caller, ()):
            if called != service and called not in found:
                found.append(called)
                ahead.append(called)
    return tuple(found)
