"""What is counted: one cell per counter, and how a table of spans adds to the cells.

Cells are integers (counts, microseconds, tokens, billionths of a dollar), so that a sum does not depend on the
order of its parts and never goes down by a rounding error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop.llm import MODEL, usage
from actors.embedded.shop.scenario import SECOND, STATUSES, Scenario
from actors.embedded.shop.spans import Column, Spans
from actors.embedded.shop.topology import Node, Topology

BOUNDS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
MODEL_BOUNDS_S = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

Counts = NDArray[np.int64]
"""One row per time, one column per cell: what is counted up to that time."""

_NOWHERE = 0


def bounds_of(service: str) -> tuple[float, ...]:
    """Upper bounds of the latency buckets in seconds; a last one without bound follows."""
    return MODEL_BOUNDS_S if service == MODEL else BOUNDS_S


def request_cell(node: Node, status: int) -> str:
    return f"{node.operation} {status}"


def edge_cell(caller: str, callee: str, status: int) -> str:
    return f"{caller} > {callee} {status}"


def bucket_cell(service: str, place: int) -> str:
    """The cell of those above bound `place - 1` and not above bound `place`."""
    return f"{service} bucket {place}"


class Cells:
    """The place of each cell in a row, by name."""

    def __init__(self, scenario: Scenario, topology: Topology) -> None:
        self._scenario = scenario
        self._topology = topology
        names = dict.fromkeys(["nowhere"])
        for node in topology.nodes:
            names.update(dict.fromkeys(self._names(node)))
        names.update(dict.fromkeys([f"{MODEL} input", f"{MODEL} output", f"{MODEL} cost"]))
        self.names = tuple(names)
        self.place = {name: place for place, name in enumerate(self.names)}
        self._request = self._table(request_cell)
        self._edge = self._table(self._edge_name)
        nodes = topology.nodes
        self._first_bucket = np.array([self.place[bucket_cell(node.service, 0)] for node in nodes], np.int64)
        self._duration = np.array([self.place[f"{node.service} duration"] for node in nodes], np.int64)
        self._cpu = np.array([self.place[f"{node.service} cpu"] for node in nodes], np.int64)
        self._is_model = np.array([node.service == MODEL for node in nodes], np.bool_)

    def __len__(self) -> int:
        return len(self.names)

    def count(self, spans: Spans, times: Column) -> Counts:
        """How much of `spans` is complete at each of `times` (ascending; microseconds since the epoch)."""
        step = np.searchsorted(times, spans.end, "left")
        done = step < len(times)
        spans, step = spans.where(done), step[done]
        row = step * len(self)
        size = len(times) * len(self)
        duration = spans.end - spans.start
        ones = np.concatenate(
            [
                row + self._request[spans.node, spans.status],
                row + self._edge[spans.node, spans.status],
                row + self._first_bucket[spans.node] + self._bucket(spans.node, duration),
            ]
        )
        total = np.bincount(ones, minlength=size)
        # Weights are summed as floats; whole numbers are exact in them up to 2^53.
        total += _weighted(row + self._duration[spans.node], duration, size)
        total += _weighted(row + self._cpu[spans.node], spans.cpu, size)
        total += self._model_use(spans, row, size)
        table = total.reshape(len(times), len(self))
        table[:, _NOWHERE] = 0
        return np.cumsum(table, axis=0)

    def _bucket(self, node: Column, duration: Column) -> Column:
        place = np.searchsorted(_microseconds(BOUNDS_S), duration, "left")
        model = np.flatnonzero(self._is_model[node])
        place[model] = np.searchsorted(_microseconds(MODEL_BOUNDS_S), duration[model], "left")
        return place.astype(np.int64)

    def _model_use(self, spans: Spans, row: Column, size: int) -> Column:
        calls = np.flatnonzero(self._is_model[spans.node])
        used = usage(self._scenario.llm, spans.where(calls))
        total = np.zeros(size, np.int64)
        for name, column in (
            ("input", used.input_tokens),
            ("output", used.output_tokens),
            ("cost", used.cost_nano_usd),
        ):
            total += _weighted(row[calls] + self.place[f"{MODEL} {name}"], column, size)
        return total

    def _names(self, node: Node) -> list[str]:
        names = [request_cell(node, status) for status in node.statuses]
        names += [name for status in node.statuses if (name := self._edge_name(node, status)) != "nowhere"]
        names += [bucket_cell(node.service, place) for place in range(len(bounds_of(node.service)) + 1)]
        return [*names, f"{node.service} duration", f"{node.service} cpu"]

    def _edge_name(self, node: Node, status: int) -> str:
        if node.parent is None:
            return "nowhere"
        return edge_cell(self._topology.nodes[node.parent].service, node.service, status)

    def _table(self, name: Callable[[Node, int], str]) -> NDArray[np.int64]:
        """Place of a cell by node and status."""
        return np.array(
            [
                [self.place.get(name(node, status), _NOWHERE) for status in STATUSES]
                for node in self._topology.nodes
            ],
            np.int64,
        )


def _microseconds(bounds: Sequence[float]) -> Column:
    return np.array([round(bound * SECOND) for bound in bounds], np.int64)


def _weighted(place: Column, weight: Column, size: int) -> Column:
    return np.bincount(place, weight, minlength=size).astype(np.int64)
