"""What a metrics backend must be able to do. `tests/contract/test_metrics_backend.py` holds each one to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Protocol

from actors.adapters.observatory.promql import Query, Selector
from actors.adapters.observatory.readings import Reading
from actors.adapters.port import Backend
from schemas.plans import TimeRange

MetricsCapability = Literal["instant", "range", "labels", "series", "types"]


class MetricsBackend(Backend, Protocol):
    """Speaks PromQL, whatever it is behind it.

    Every method raises BackendUnavailable (away, slow, broken) and InvalidInput (refused, with the backend's
    own words). A capability that is not declared is asked for nowhere: see `actors.adapters.port.require`.
    """

    @property
    def language(self) -> str:
        """As the evidence names it."""
        ...

    async def instant(self, query: Query, at: datetime) -> Reading:
        """The value at one instant (`instant`)."""
        ...

    async def range(self, query: Query, over: TimeRange, step_seconds: float) -> Reading:
        """The values from start to end, both included (`range`)."""
        ...

    async def label_names(self, over: TimeRange, of: Selector | None = None) -> tuple[str, ...]:
        """Labels of the selected series, of all without a selector; empty where there are none (`labels`)."""
        ...

    async def label_values(self, label: str, over: TimeRange, of: Selector | None = None) -> tuple[str, ...]:
        """The label's values in the selected series, in all without a selector (`labels`)."""
        ...

    async def series(self, of: Selector, over: TimeRange) -> tuple[Mapping[str, str], ...]:
        """The label sets of the selected series, `__name__` included (`series`)."""
        ...

    async def metric_types(self) -> Mapping[str, str]:
        """Metric -> counter, gauge, histogram, summary; those whose type is known (`types`)."""
        ...
