"""Who calls whom: the scenario's operations unfolded into one tree of calls per route."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from actors.embedded.shop.scenario import BAD_GATEWAY, OK, OVERLOADED, TIMEOUT, Scenario


@dataclass(frozen=True, slots=True)
class Node:
    """One place in a call tree. `number` is its place in `Topology.nodes`, `parent` that of its caller."""

    number: int
    route: int
    service: str
    method: str
    path: str
    parent: int | None
    children: tuple[int, ...]
    statuses: tuple[int, ...]
    """Every status it may end with, 200 first."""

    @property
    def operation(self) -> str:
        return f"{self.service} {self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Route:
    """A kind of request from outside: its entry node, all nodes of its tree, its mean requests per second."""

    number: int
    entry: int
    nodes: tuple[int, ...]
    rps: float


def propagated(status: int) -> int:
    """What a service answers when a call of its own ended with `status`."""
    if status < 429:
        return status
    return TIMEOUT if status == TIMEOUT else BAD_GATEWAY


def _service_of(operation: str) -> str:
    return operation.partition(" ")[0]


class Topology:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._nodes: list[Node | None] = []
        routes: list[Route] = []
        for number, (operation, rps) in enumerate(scenario.traffic.rps.items()):
            first = len(self._nodes)
            entry = self._unfold(operation, number, None)
            routes.append(Route(number, entry, tuple(range(first, len(self._nodes))), rps))
        self.routes = tuple(routes)
        self.nodes = tuple(node for node in self._nodes if node is not None)

    def _unfold(self, operation: str, route: int, parent: int | None) -> int:
        number = len(self._nodes)
        self._nodes.append(None)  # the place is taken before the children take theirs
        service, method, path = operation.split(" ")
        calls = self._scenario.operations[operation].calls
        children = tuple(self._unfold(call, route, number) for call in calls)
        self._nodes[number] = Node(
            number, route, service, method, path, parent, children, self._statuses(operation, children)
        )
        return number

    def _statuses(self, operation: str, children: tuple[int, ...]) -> tuple[int, ...]:
        service = self._scenario.services[_service_of(operation)]
        found = {*service.status, *self._scenario.operations[operation].status}
        found |= {status for effect in service.versions.values() for status in effect.status}
        if not service.external:
            found.add(OVERLOADED)
        for child in children:
            node = self._nodes[child]
            found |= {propagated(status) for status in (node.statuses if node else ()) if status != OK}
        for condition in self._scenario.conditions:
            if condition.service == _service_of(operation):
                found |= set(condition.status)
        return (OK, *sorted(found))

    @cached_property
    def mean_rps(self) -> dict[str, float]:
        """Requests per second that reach each service on the daily mean."""
        total = dict.fromkeys(self._scenario.services, 0.0)
        for node in self.nodes:
            total[node.service] += self.routes[node.route].rps
        return total

    def callees(self, service: str) -> tuple[str, ...]:
        """The services that `service` calls, without repeats."""
        found = [
            self.nodes[child].service for node in self.nodes if node.service == service for child in node.children
        ]
        return tuple(dict.fromkeys(found))
