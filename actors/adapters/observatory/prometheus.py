"""Prometheus over its HTTP API, and whatever else answers it (Thanos, Mimir, VictoriaMetrics)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Final

from actors.adapters.endpoint import Endpoint, Named, Parameters, Reply
from actors.adapters.observatory import prometheus_wire as wire
from actors.adapters.observatory.port import MetricsCapability
from actors.adapters.observatory.promql import Query, Selector, check_points
from actors.adapters.observatory.readings import Reading
from actors.adapters.observatory.settled import SettledReadings
from actors.adapters.port import Wiring
from schemas.adapters import BackendState
from schemas.errors import BackendUnavailable, CopilotError, InvalidInput
from schemas.plans import TimeRange
from schemas.system import PROBE_SECONDS

PROMETHEUS = Named("prometheus", "Prometheus", "COPILOT_OBSERVATORY__PROMETHEUS_URL")
CAPABILITIES: frozenset[MetricsCapability] = frozenset({"instant", "range", "labels", "series", "types"})


class PrometheusBackend:
    """A `MetricsBackend`. Its errors name Prometheus and its address, without credentials."""

    def __init__(self, wiring: Wiring) -> None:
        self.name: Final = PROMETHEUS.key
        self.language: Final = "promql"
        self.capabilities: Final = CAPABILITIES
        settings = wiring.settings.observatory
        self._seconds = settings.timeout_seconds
        self._settled = SettledReadings()
        self._endpoint = Endpoint(PROMETHEUS, settings.prometheus_url, wiring, settings.timeout_seconds)

    async def instant(self, query: Query, at: datetime) -> Reading:
        return await self._settled.read(query.text, at, partial(self._instant, query, at))

    async def _instant(self, query: Query, at: datetime) -> Reading:
        parameters = {"query": query.text, "time": _unix(at), "timeout": f"{self._seconds:g}s"}
        return wire.reading(await self._ask("api/v1/query", parameters), self._endpoint.shown)

    async def range(self, query: Query, over: TimeRange, step_seconds: float) -> Reading:
        check_points(over, step_seconds)
        parameters = {
            "query": query.text,
            **_span(over),
            "step": f"{step_seconds:.3f}",
            "timeout": f"{self._seconds:g}s",
        }
        return wire.reading(await self._ask("api/v1/query_range", parameters), self._endpoint.shown)

    async def label_names(self, over: TimeRange, of: Selector | None = None) -> tuple[str, ...]:
        body = await self._ask("api/v1/labels", {**_span(over), **_matching(of)})
        return wire.names(body, self._endpoint.shown)

    async def label_values(self, label: str, over: TimeRange, of: Selector | None = None) -> tuple[str, ...]:
        body = await self._ask(f"api/v1/label/{label}/values", {**_span(over), **_matching(of)})
        return wire.names(body, self._endpoint.shown)

    async def series(self, of: Selector, over: TimeRange) -> tuple[Mapping[str, str], ...]:
        body = await self._ask("api/v1/series", {**_span(over), **_matching(of)})
        return wire.label_sets(body, self._endpoint.shown)

    async def metric_types(self) -> Mapping[str, str]:
        return wire.types(await self._ask("api/v1/metadata", {"limit_per_metric": "1"}), self._endpoint.shown)

    async def state(self) -> BackendState:
        if not self._endpoint.configured:
            return BackendState(name=self.name, status="not_configured", message=f"{PROMETHEUS.setting} is empty")
        started = time.perf_counter()
        try:
            await self._probe()
        except CopilotError as error:
            return BackendState(name=self.name, status="down", message=error.detail)
        latency = (time.perf_counter() - started) * 1_000
        return BackendState(name=self.name, status="up", latency_ms=latency, message=self._endpoint.shown)

    async def _probe(self) -> None:
        reply = await self._endpoint.get("-/ready", seconds=PROBE_SECONDS)
        if reply.status == 404:  # behind a prefix only the API may be there
            reply = await self._endpoint.get("api/v1/query", {"query": "1"}, seconds=PROBE_SECONDS)
        if reply.status != 200:
            raise BackendUnavailable(f"{self._endpoint.shown} is not ready (status {reply.status})")

    async def _ask(self, path: str, parameters: Parameters) -> bytes:
        reply = await self._endpoint.get(path, parameters)
        if reply.status == 200:
            return reply.body
        raise self._refused(reply)

    def _refused(self, reply: Reply) -> CopilotError:
        """400 is a bad query and 422 one that failed while it ran: both are the question's fault."""
        said = wire.failure(reply.body)
        if reply.status in {400, 422} and said:
            return InvalidInput(f"Prometheus refuses the query: {said}")
        shown, reason = self._endpoint.shown, f": {said}" if said else ""
        if reply.status in {401, 403}:
            return BackendUnavailable(f"{shown} does not accept the credentials (status {reply.status}){reason}")
        if reply.status == 404:
            return BackendUnavailable(f"{shown} has no query API there (status 404)")
        return BackendUnavailable(f"{shown} answers with status {reply.status}{reason}")


def _unix(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


def _span(over: TimeRange) -> dict[str, str]:
    return {"start": _unix(over.start), "end": _unix(over.end)}


def _matching(of: Selector | None) -> dict[str, str]:
    return {} if of is None else {"match[]": str(of)}
