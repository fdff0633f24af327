"""What a backend has: names and types of metrics, their labels, the labels' values; each asked once per period."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

from actors.adapters.observatory.freshness import Fresh
from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.promql import Selector
from schemas.envelope import now
from schemas.errors import CopilotError
from schemas.plans import TimeRange

LOOKBACK = timedelta(days=7)
"""What has had no sample for longer is not there."""
MOST = 2_048

K = TypeVar("K")
T = TypeVar("T")


class Inventory:
    """Every method raises what the backend raised, unless an older answer is known."""

    def __init__(self, backend: MetricsBackend, ttl_seconds: float) -> None:
        self._backend = backend
        self._ttl = ttl_seconds
        self._names = Fresh(self._ask_names, ttl_seconds)
        self._types = Fresh(self._ask_types, ttl_seconds)
        self._labels: OrderedDict[str, Fresh[frozenset[str]]] = OrderedDict()
        self._values: OrderedDict[tuple[str, str], Fresh[tuple[str, ...]]] = OrderedDict()

    async def names(self) -> frozenset[str]:
        """Of all metrics."""
        return await self._names.usable()

    async def types(self) -> Mapping[str, str]:
        """Metric -> counter, gauge, histogram or summary, of those whose type the backend knows: what was only
        back-filled, for instance, has none."""
        return await self._types.usable()

    async def labels(self, metric: str) -> frozenset[str]:
        """Empty for a metric that is not there."""
        return await _kept(self._labels, metric, partial(self._ask_labels, metric), self._ttl)

    async def values(self, metric: str, label: str) -> tuple[str, ...]:
        """Of the label on that metric."""
        return await _kept(self._values, (metric, label), partial(self._ask_values, metric, label), self._ttl)

    async def _ask_names(self) -> frozenset[str]:
        return frozenset(await self._backend.label_values("__name__", _recently()))

    async def _ask_types(self) -> Mapping[str, str]:
        if "types" not in self._backend.capabilities:
            return {}
        try:
            return await self._backend.metric_types()
        except CopilotError:
            # Some that speak PromQL have no metadata, or too much: then the names must tell. Whether the backend
            # is away the question itself will say.
            return {}

    async def _ask_labels(self, metric: str) -> frozenset[str]:
        return frozenset(await self._backend.label_names(_recently(), Selector(metric)))

    async def _ask_values(self, metric: str, label: str) -> tuple[str, ...]:
        return await self._backend.label_values(label, _recently(), Selector(metric))


def _recently() -> TimeRange:
    end = now()
    return TimeRange(start=end - LOOKBACK, end=end)


async def _kept(kept: OrderedDict[K, Fresh[T]], key: K, ask: Callable[[], Awaitable[T]], ttl_seconds: float) -> T:
    fresh = kept.get(key) or Fresh(ask, ttl_seconds)
    kept[key] = fresh
    kept.move_to_end(key)
    while len(kept) > MOST:
        kept.popitem(last=False)
    return await fresh.usable()
