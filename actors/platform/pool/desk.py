"""The supervisor's place on the bus: status, scaling, and who should be there."""

from __future__ import annotations

from actors.platform.bus import Bus
from actors.platform.pool.supervisor import Supervisor
from actors.platform.telemetry import Telemetry
from schemas.envelope import Envelope
from schemas.errors import Forbidden
from schemas.subjects import METRICS, SCALE, SUPERVISOR_STATUS
from schemas.system import MetricsReport, MetricsRequest, PoolStates, ScaleRequest, StatusRequest


class SupervisorDesk:
    def __init__(self, bus: Bus, supervisor: Supervisor, telemetry: Telemetry) -> None:
        self._bus = bus
        self._supervisor = supervisor
        self._telemetry = telemetry
        self._restarts = telemetry.gauge("copilot_actor_restarts", "Restarts of a slot.", ("slot",))

    async def open(self) -> None:
        await self._bus.serve(SCALE, self._scale)
        await self._bus.serve(SUPERVISOR_STATUS, self._status)
        await self._bus.serve(METRICS, self._metrics)

    async def _scale(self, envelope: Envelope[ScaleRequest]) -> PoolStates:
        request = envelope.data
        if not request.identity.may("system.scale"):
            raise Forbidden("scaling needs the role admin")
        return await self._supervisor.scale(request.pool, request.size)

    async def _status(self, envelope: Envelope[StatusRequest]) -> PoolStates:
        return self._supervisor.states()

    async def _metrics(self, envelope: Envelope[MetricsRequest]) -> MetricsReport:
        for actor in self._supervisor.states().actors:
            self._restarts.labels(actor.slot).set(actor.restarts)
        return self._telemetry.report(self._supervisor.expected())
