"""Every metrics backend. A new one is a file beside this and a line here; the first is asked."""

from __future__ import annotations

from collections.abc import Callable

from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.prometheus import PrometheusBackend
from actors.adapters.port import Wiring

METRICS_BACKENDS: tuple[Callable[[Wiring], MetricsBackend], ...] = (PrometheusBackend,)
