"""Chunks of spans, drawn when they are asked for and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop.actions import Action
from actors.embedded.shop.cells import Cells, Counts
from actors.embedded.shop.conditions import conditions
from actors.embedded.shop.requests import CHUNK, LONGEST_REQUEST, draw
from actors.embedded.shop.scenario import DAY, SECOND, Scenario
from actors.embedded.shop.spans import Column, Spans, concatenate
from actors.embedded.shop.timeline import Timeline, Times, timeline
from actors.embedded.shop.topology import Topology

KEPT_CHUNKS = 6


class Generator:
    """Everything that a scenario and a list of actions say about any moment since `begin`.

    Times are microseconds since the Unix epoch. Not for use by two threads at once.
    """

    def __init__(self, scenario: Scenario, begin: int, actions: Sequence[Action] = ()) -> None:
        self.scenario = scenario
        self.topology = Topology(scenario)
        self.cells = Cells(scenario, self.topology)
        self.begin = begin
        self.actions = list(actions)
        self._lines: dict[str, Timeline] = {}
        self._lines_end = 0
        self._kept: OrderedDict[int, Spans] = OrderedDict()
        self._around: tuple[int, Spans] | None = None
        self._counted: tuple[int, int, NDArray[np.int64]] | None = None  # chunk, time, counts up to it
        place = {name: number for number, name in enumerate(scenario.services)}
        self._service_of: NDArray[np.int64] = np.array(
            [place[node.service] for node in self.topology.nodes], np.int64
        )

    def act(self, action: Action) -> None:
        """Take `action` from its time on; what has been drawn for later is forgotten."""
        self.actions.append(action)
        self._lines_end = 0
        self._around = self._counted = None
        for chunk in [each for each in self._kept if (each + 2) * CHUNK > action.at]:
            del self._kept[chunk]

    def lines(self, until: int) -> dict[str, Timeline]:
        """The timeline of each service, up to `until` at least."""
        if until >= self._lines_end:
            self._lines_end = until + DAY
            self._lines = {
                service: timeline(self.scenario, service, self.actions, self.begin, self._lines_end)
                for service in self.scenario.services
            }
        return self._lines

    def arrivals(self, chunk: int) -> Spans:
        """The spans of all requests that arrive in `chunk`, in no particular order."""
        if chunk in self._kept:
            self._kept.move_to_end(chunk)
            return self._kept[chunk]
        start, end = chunk * CHUNK, (chunk + 1) * CHUNK + LONGEST_REQUEST
        state = conditions(self.scenario, self.topology, self.lines(end), start, end)
        spans = draw(self.scenario, self.topology, chunk, state)
        self._kept[chunk] = spans
        while len(self._kept) > KEPT_CHUNKS:
            self._kept.popitem(last=False)
        return spans

    def around(self, chunk: int) -> Spans:
        """Every span that is running at some moment of `chunk`, and some that begin after it; by end."""
        if self._around is None or self._around[0] != chunk:
            before = self.arrivals(chunk - 1)
            spans = concatenate([before.where(before.end > chunk * CHUNK), self.arrivals(chunk)])
            self._around = (chunk, spans.where(np.argsort(spans.end, kind="stable")))
        return self._around[1]

    def count(self, chunk: int, times: Times) -> Counts:
        """What completes after the start of `chunk` and up to each of `times`, which lie in that chunk."""
        spans = self.around(chunk)
        base, first = np.zeros(len(self.cells), np.int64), 0
        if self._counted is not None and self._counted[0] == chunk and self._counted[1] < times[0]:
            base, first = self._counted[2], _ended_by(spans, self._counted[1])
        last = _ended_by(spans, int(times[-1]))
        counts = base + self.cells.count(spans.where(slice(first, last)), times)
        self._counted = (chunk, int(times[-1]), counts[-1])
        return counts

    def in_flight(self, chunk: int, times: Times) -> dict[str, Column]:
        """How many spans of each service are running at each of `times`, which lie in `chunk`."""
        spans = self.around(chunk)
        spans = spans.where(slice(_ended_by(spans, int(times[0])), len(spans)))
        begun = np.searchsorted(times, spans.start, "left")
        ended = np.searchsorted(times, spans.end, "left")
        services = len(self.scenario.services)
        running = _running(begun, ended, self._service_of[spans.node], len(times), services)
        return {name: running[:, place] for place, name in enumerate(self.scenario.services)}


def _ended_by(spans: Spans, time: int) -> int:
    """How many of `spans`, which are ordered by their end, are over at `time`."""
    return int(np.searchsorted(spans.end, np.int64(time), "right"))


def _running(begun: Column, ended: Column, service: Column, steps: int, services: int) -> NDArray[np.int64]:
    """Rows per step, columns per service: begun at or before it, not ended by then."""
    change = np.bincount(begun * services + service, minlength=(steps + 1) * services)
    change -= np.bincount(ended * services + service, minlength=(steps + 1) * services)
    return np.cumsum(change.reshape(steps + 1, services), axis=0)[:steps]


def chunk_of(time: int) -> int:
    """The chunk in which what completes at `time` is counted: its start is not part of it, its end is."""
    return -(-time // CHUNK) - 1


def micros(seconds: float) -> int:
    return round(seconds * SECOND)
