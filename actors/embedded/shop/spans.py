"""A table of spans: one row per call that a service (or the model) has handled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Spans:
    """Columns of equal length. Times are microseconds since the Unix epoch, durations microseconds."""

    chunk: Column
    """The chunk in which the request came in from outside."""
    request: Column
    """The request's number within its chunk and route."""
    node: Column
    """Place in `Topology.nodes`: service, operation and caller."""
    status: Column
    """Place in `scenario.STATUSES`."""
    blame: Column
    """The node whose failure this one passes on; -1 for an own failure or none."""
    start: Column
    end: Column
    own: Column
    """The part of the duration that is not spent waiting for calls."""
    cpu: Column

    def __len__(self) -> int:
        return len(self.start)

    def where(self, rows: Mask | NDArray[np.intp] | slice) -> Spans:
        return Spans(*(getattr(self, field.name)[rows] for field in fields(self)))


def concatenate(parts: Sequence[Spans]) -> Spans:
    return Spans(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Spans)))
