"""The requests of a chunk of time, drawn one by one.

Each chunk and route has a random stream of its own. What is drawn (arrivals, one normal and one uniform
number per call) never depends on the shop's state; the state only sets the median that the normal number
stretches and the probability that the uniform one is held against. So an action changes the calls that begin
after it and leaves every earlier one as it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop.canary import lots
from actors.embedded.shop.conditions import Conditions, load_factor
from actors.embedded.shop.scenario import NOT_FOUND, OK, SECOND, STATUSES, TIMEOUT, Scenario
from actors.embedded.shop.spans import Column, Mask, Spans, concatenate
from actors.embedded.shop.topology import Node, Route, Topology, propagated

CHUNK = 600 * SECOND
LONGEST_OWN_US = 10.0 * SECOND
LONGEST_REQUEST = 120 * SECOND
"""No request lasts longer: its calls are at most six, and own work and timeouts end after ten seconds each."""

_CODE = {status: code for code, status in enumerate(STATUSES)}
_PROPAGATED = np.array([_CODE[propagated(status)] for status in STATUSES], np.int64)
_OK = _CODE[OK]

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Outcome:
    end: Column
    status: Column


def draw(scenario: Scenario, topology: Topology, chunk: int, state: Conditions) -> Spans:
    """All spans of the requests that arrive in [chunk, chunk + 1) * CHUNK, in no particular order."""
    return concatenate([_Draw(scenario, topology, route, chunk, state).spans() for route in topology.routes])


class _Draw:
    """The requests of one route in one chunk, all at once: arrays have one element per request."""

    def __init__(
        self, scenario: Scenario, topology: Topology, route: Route, chunk: int, state: Conditions
    ) -> None:
        self._scenario = scenario
        self._topology = topology
        self._route = route
        self._chunk = chunk
        self._state = state
        self._rng = np.random.Generator(np.random.SFC64([scenario.seed, chunk, route.number]))
        self._parts: list[Spans] = []
        self._arrivals = self._thinned()
        shape = (len(route.nodes), len(self._arrivals))
        self._normal = self._rng.standard_normal(shape, np.float32)
        self._uniform = self._rng.random(shape, np.float64)

    def spans(self) -> Spans:
        everyone = np.ones(len(self._arrivals), np.bool_)
        self._call(self._topology.nodes[self._route.entry], self._arrivals, everyone)
        return concatenate(self._parts)

    def _thinned(self) -> Column:
        """Arrival times of a Poisson process whose rate follows the hour, by thinning one of constant rate."""
        hours = self._scenario.traffic.hours
        highest = self._route.rps * max(hours)
        count = int(self._rng.poisson(highest * CHUNK / SECOND))
        offsets = np.sort(self._rng.integers(0, CHUNK, count))
        times = offsets + self._chunk * CHUNK
        return times[self._rng.random(count) * max(hours) < load_factor(hours, times)]

    def _call(self, node: Node, start: Column, alive: Mask) -> _Outcome:
        """Let `node` handle the requests that are `alive`, from `start` on, and keep its spans."""
        place = node.number - self._route.entry
        state = self._state.of[node.service]
        stretch = np.searchsorted(self._state.edges, start, "right") - 1
        if state.share.any():
            drawn = lots(self._chunk, np.arange(len(start), dtype=np.int64), node.number)
            stretch = np.where(drawn < state.share[stretch], stretch + len(state.share), stretch)
        draw = np.exp(self._normal[place] * np.float32(self._scenario.services[node.service].spread))
        own = np.minimum(state.median_us[stretch] * draw, LONGEST_OWN_US).astype(np.int64) + 1
        status = self._own_failures(node, stretch, alive, own)
        blame = np.full(len(start), -1, np.int64)
        cursor = start + own // 2
        going = alive & (status == _OK)
        for child in node.children:
            outcome = self._call(self._topology.nodes[child], cursor, going)
            cursor = np.where(going, outcome.end, cursor)
            failed = np.flatnonzero(going & (outcome.status != _OK))
            status[failed] = _PROPAGATED[outcome.status[failed]]
            blame[failed] = child
            going[failed] = False
        end = cursor + (own - own // 2)
        cpu = (state.cpu_us[stretch] * (0.5 + 0.5 * draw)).astype(np.int64)
        self._keep(node, alive, status, blame, start, end, own, cpu)
        return _Outcome(end, status)

    def _own_failures(self, node: Node, stretch: NDArray[np.intp], alive: Mask, own: Column) -> Column:
        """The status of each, before any call; what fails takes its own time, written into `own`."""
        state = self._state.of[node.service]
        chances = dict(state.failing)
        for code, chance in self._scenario.operations[node.operation].status.items():
            chances[code] = chances.get(code, np.zeros(len(state.median_us))) + chance
        status = np.full(len(stretch), _OK, np.int64)
        if not chances:
            return status
        codes = sorted(chances)
        limits = np.cumsum([chances[code] for code in codes], axis=0)
        uniform = self._uniform[node.number - self._route.entry]
        failing = np.flatnonzero(alive & (uniform < limits[-1][stretch]))
        which = (uniform[failing] >= limits[:, stretch[failing]]).sum(axis=0)
        numbers = np.array(codes, np.int64)[which]
        status[failing] = np.array([_CODE[code] for code in codes], np.int64)[which]
        timeout = int(self._scenario.services[node.service].timeout_s * SECOND)
        quick = np.where(numbers == NOT_FOUND, own[failing], own[failing] // 2 + 1)
        own[failing] = np.where(numbers == TIMEOUT, timeout + own[failing] % 1000, quick)
        return status

    def _keep(
        self,
        node: Node,
        alive: Mask,
        status: Column,
        blame: Column,
        start: Column,
        end: Column,
        own: Column,
        cpu: Column,
    ) -> None:
        count = len(start)
        number = np.arange(count, dtype=np.int64)
        constant = np.full(count, node.number, np.int64)
        chunk = np.full(count, self._chunk, np.int64)
        spans = Spans(chunk, number, constant, status, blame, start, end, own, cpu)
        self._parts.append(spans if alive.all() else spans.where(alive))
