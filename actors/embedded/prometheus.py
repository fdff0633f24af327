"""An embedded Prometheus, scraping what the caller names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """What Prometheus scrapes: `address` is `host:port`; `labels` are added to each of its series."""

    job: str
    address: str
    metrics_path: str = "/metrics"
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
