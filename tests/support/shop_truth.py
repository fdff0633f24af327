"""What is true of the demo shop, worked out from its requests one by one: past counters, series and PromQL."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop.cells import bounds_of
from actors.embedded.shop.generator import chunk_of
from actors.embedded.shop.llm import MODEL, NANO, usage
from actors.embedded.shop.requests import CHUNK
from actors.embedded.shop.scenario import SECOND, STATUSES
from actors.embedded.shop.shop import Shop
from actors.embedded.shop.spans import Spans, concatenate
from schemas.plans import TimeRange

SCRAPE = 15
STATUS = np.array(STATUSES)


@dataclass
class Truth:
    """`whole` is loaded once; windows lie within it. What ends at a window's start is not in it, its end is."""

    shop: Shop
    whole: TimeRange

    @cached_property
    def _spans(self) -> Spans:
        start, end = _micros(self.whole)
        chunks = range(start // CHUNK - 1, end // CHUNK + 1)
        return concatenate([self.shop.arrivals(chunk) for chunk in chunks])

    def spans(
        self, over: TimeRange, service: str | None = None, route: str | None = None, status: str | None = None
    ) -> Spans:
        """Answered in the window; of the shop's own services where none is named. `status` as 502 or 5xx."""
        start, end = _micros(over)
        nodes = self.shop.generator.topology.nodes
        wanted = [
            node.number
            for node in nodes
            if (node.service == service if service else node.service != MODEL) and route in (None, node.path)
        ]
        spans = self._spans
        rows = np.isin(spans.node, wanted) & (spans.end > start) & (spans.end <= end)
        if status is not None:
            codes = STATUS[spans.status]
            rows &= codes // 100 == int(status[0]) if status.endswith("xx") else codes == int(status)
        return spans.where(rows)

    def count(
        self, over: TimeRange, service: str | None = None, route: str | None = None, status: str | None = None
    ) -> int:
        return len(self.spans(over, service, route, status))

    def ratio(self, over: TimeRange, service: str | None = None, status: str = "5xx") -> float:
        return self.count(over, service, status=status) / self.count(over, service)

    def quantile(self, at: float, over: TimeRange, service: str) -> float:
        """From the number of requests in each bucket, evenly spread within it, as a histogram's reader must."""
        bounds = bounds_of(service)
        took = self._durations(over, service)
        counts = np.bincount(np.searchsorted(bounds, took, "left"), minlength=len(bounds) + 1)
        rank = at * counts.sum()
        reached = np.cumsum(counts)
        place = int(np.argmax(reached >= rank))
        if place == len(bounds):
            return bounds[-1]
        low = bounds[place - 1] if place else 0.0
        before = reached[place - 1] if place else 0
        return low + (bounds[place] - low) * float((rank - before) / counts[place])

    def exact_quantile(self, at: float, over: TimeRange, service: str) -> float:
        return float(np.quantile(self._durations(over, service), at))

    def mean(self, over: TimeRange, service: str) -> float:
        return float(self._durations(over, service).mean())

    def spent(self, over: TimeRange, service: str) -> float:
        """Seconds that all requests together took."""
        return float(self._durations(over, service).sum())

    def tokens(self, over: TimeRange, kind: str | None = None) -> int:
        used = usage(self.shop.scenario.llm, self.spans(over, MODEL))
        prompt, completion = int(used.input_tokens.sum()), int(used.output_tokens.sum())
        return {"prompt": prompt, "completion": completion, None: prompt + completion}[kind]

    def cost(self, over: TimeRange) -> float:
        """US dollars."""
        return int(usage(self.shop.scenario.llm, self.spans(over, MODEL)).cost_nano_usd.sum()) / NANO

    def cores(self, over: TimeRange, service: str) -> float:
        """Processors in use: what the requests took, and what a process takes that does nothing."""
        busy = int(self.spans(over, service).cpu.sum()) / SECOND
        return busy / over.seconds + self.shop.scenario.services[service].idle_cores

    def levels(self, metric: str, over: TimeRange, service: str) -> NDArray[np.float64]:
        """A gauge as the shop shows it at each scrape of the window, both ends included."""
        start, end = _micros(over)
        times = np.arange(start, end + 1, SCRAPE * SECOND, dtype=np.int64)
        values: list[float] = []
        for chunk in np.unique([chunk_of(int(time)) for time in times]).tolist():
            own = times[(times > chunk * CHUNK) & (times <= (chunk + 1) * CHUNK)]
            families = self.shop.families(service, self.shop.numbers(chunk, own))
            (sample,) = next(family.samples for family in families if family.name == metric)
            values += [float(value or 0) for value in sample.values]
        return np.array(values)

    def _durations(self, over: TimeRange, service: str) -> NDArray[np.float64]:
        spans = self.spans(over, service)
        return (spans.end - spans.start) / SECOND


def _micros(over: TimeRange) -> tuple[int, int]:
    return round(over.start.timestamp() * SECOND), round(over.end.timestamp() * SECOND)
