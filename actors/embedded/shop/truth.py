"""An independent reading of the shop: requests counted one by one, past the counters and the series."""

from __future__ import annotations

import numpy as np

from actors.embedded.shop.requests import CHUNK
from actors.embedded.shop.scenario import STATUSES
from actors.embedded.shop.shop import Shop
from actors.embedded.shop.spans import Spans, concatenate


def answered(shop: Shop, service: str, start: int, end: int) -> Spans:
    """What `service` has answered in (start, end], microseconds since the Unix epoch, in no particular order."""
    wanted = [node.number for node in shop.generator.topology.nodes if node.service == service]
    parts: list[Spans] = []
    for chunk in range(start // CHUNK - 1, end // CHUNK + 1):
        spans = shop.arrivals(chunk)
        rows = np.isin(spans.node, wanted) & (spans.end > start) & (spans.end <= end)
        parts.append(spans.where(rows))
    return concatenate(parts)


def count(shop: Shop, service: str, start: int, end: int, status: int | None = None) -> int:
    """How many requests `service` has answered in (start, end], with `status` or with any."""
    spans = answered(shop, service, start, end)
    return len(spans) if status is None else int((spans.status == STATUSES.index(status)).sum())


def quantile(shop: Shop, service: str, start: int, end: int, q: float) -> float:
    """The exact `q`-quantile, 0 to 1, of the durations in seconds of what was answered in (start, end]."""
    spans = answered(shop, service, start, end)
    return float(np.quantile((spans.end - spans.start) / 1e6, q))
