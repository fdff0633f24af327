"""What every actor of every pool does: connect, serve, tell how it is, drain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from actors.platform.bus import Bus
from actors.platform.bus.nats import CONNECT_ERRORS, NatsTransport
from actors.platform.bus.transport import Transport
from actors.platform.config import Settings
from actors.platform.telemetry import Telemetry
from schemas.adapters import BackendState
from schemas.envelope import Envelope
from schemas.subjects import ALIVE, METRICS, PING
from schemas.system import Alive, MetricsReport, MetricsRequest, Ping, Pong

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an actor stands: its pool, its stable slot in it (`nlp-0`), and what is configured."""

    pool: str
    slot: str
    settings: Settings


class PoolActor:
    """A NATS client that answers the subjects of its pool. Subclasses implement `open` and `close`."""

    def __init__(self, place: Place, transport: Transport | None = None) -> None:
        self.place = place
        self.settings = place.settings
        self.telemetry = Telemetry(place.pool, place.slot, place.settings.telemetry)
        self.bus = Bus(transport or NatsTransport(place.settings.nats.url, place.slot), place.slot, self.telemetry)
        self._waits_for = ""

    async def start(self) -> None:
        """Returns once the actor serves. Waits for what it needs, and says what it waits for."""
        await self._connect()
        # Before it is open: the supervisor can tell one that waits from one that hangs, and say what for.
        await self.bus.serve(ALIVE, self._alive, queue=self.place.slot, slot=self.place.slot)
        await self.open()
        self._waits_for = ""
        await self.bus.serve(PING, self._ping, queue=self.place.pool, pool=self.place.pool)
        await self.bus.serve(METRICS, self._metrics)
        log.info("actor.serving", slot=self.place.slot)

    async def stop(self) -> None:
        """Drains: takes nothing new, finishes what it has, closes."""
        await self.bus.drain()
        await self.close()
        await self.bus.close()
        self.telemetry.shutdown()

    async def open(self) -> None:
        """Opens what the actor needs and serves its subjects."""
        raise TypeError(f"{type(self).__name__} must implement open()")

    async def close(self) -> None:
        """Closes what `open` opened."""

    def waits(self, what: str) -> None:
        """Says what the start waits for; for `open` to call."""
        self._waits_for = what
        log.warning("actor.waiting", slot=self.place.slot, waits_for=what)

    async def dependencies(self) -> tuple[BackendState, ...]:
        """What this actor needs or uses, probed now, each within PROBE_SECONDS."""
        return ()

    async def _connect(self) -> None:
        waiting = False
        while True:
            try:
                return await self.bus.connect()
            except CONNECT_ERRORS as error:
                # Waited out: the order in which servers and actors start does not matter.
                if not waiting:
                    log.warning("actor.waiting", slot=self.place.slot, waits_for="NATS", error=repr(error))
                waiting = True
                await asyncio.sleep(0.2)

    async def _alive(self, envelope: Envelope[Ping]) -> Alive:
        return Alive(waits_for=self._waits_for)

    async def _ping(self, envelope: Envelope[Ping]) -> Pong:
        return Pong(pool=self.place.pool, process=self.place.slot, dependencies=await self.dependencies())

    async def _metrics(self, envelope: Envelope[MetricsRequest]) -> MetricsReport:
        return self.telemetry.report()
