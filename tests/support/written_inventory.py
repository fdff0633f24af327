"""The inventory of a written history, without a server.

`tests/integration/test_conventions.py` holds it against the inventory of a real Prometheus with that history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.support.prometheus import WrittenSeries


class WrittenInventory:
    """An `Inventory`."""

    def __init__(self, history: Sequence[WrittenSeries], types: Mapping[str, str] | None = None) -> None:
        self._history = history
        self._types = dict(types or {})

    async def names(self) -> frozenset[str]:
        return frozenset(series.metric for series in self._history)

    async def types(self) -> Mapping[str, str]:
        return self._types

    async def labels(self, metric: str) -> frozenset[str]:
        found = [series.labels for series in self._history if series.metric == metric]
        return frozenset(label for labels in found for label in ("__name__", *labels)) if found else frozenset()

    async def values(self, metric: str, label: str) -> tuple[str, ...]:
        found = {
            series.labels[label] for series in self._history if series.metric == metric and label in series.labels
        }
        return tuple(sorted(found))
