"""The pools with their supervisor, and the desk through which it is asked and told over the bus."""

from __future__ import annotations

from actors.cli.waiting import Say, until_there
from actors.platform.bus import Bus
from actors.platform.bus.nats import CONNECT_ERRORS, NatsTransport
from actors.platform.config import Settings, mask_url
from actors.platform.pool.definition import Pool, Runtime
from actors.platform.pool.desk import SupervisorDesk
from actors.platform.pool.pulse import BUS_ERRORS, BusPulse
from actors.platform.pool.supervisor import Supervisor
from actors.platform.telemetry import Telemetry
from schemas.errors import Unavailable
from schemas.system import ActorState

SLOT = "supervisor-0"


class Crew:
    """`runtime` is open already; it stays open when the crew stops."""

    def __init__(self, settings: Settings, runtime: Runtime, pools: tuple[Pool, ...], say: Say) -> None:
        self._settings = settings
        self._say = say
        self._telemetry = Telemetry("supervisor", SLOT, settings.telemetry)
        self._bus = Bus(NatsTransport(settings.nats.url, SLOT), SLOT, self._telemetry)
        self._supervisor = Supervisor(runtime, pools, settings, BusPulse(self._bus), say)

    async def start(self) -> None:
        """Returns when every actor serves; waits for the servers they need, and says so. Raises Unavailable for a
        pool that does not start; what has started by then is for `stop`."""
        nats = f"NATS at {mask_url(self._settings.nats.url)}"
        await until_there(nats, self._bus.connect, CONNECT_ERRORS, self._say)
        await until_there(f"JetStream of {nats}", self._bus.ensure_streams, BUS_ERRORS, self._say)
        await SupervisorDesk(self._bus, self._supervisor, self._telemetry).open()
        await self._supervisor.start()
        lost = [f"{actor.slot}: {actor.message}" for actor in self.actors() if actor.state == "crash_loop"]
        if lost:
            logs = self._settings.data_path / "logs"
            raise Unavailable("\n  ".join(("these actors do not start:", *lost, f"their logs are in {logs}")))

    async def stop(self) -> None:
        """Actors finish what they have; nothing new is taken."""
        await self._supervisor.stop()
        await self._bus.close()
        self._telemetry.shutdown()

    def actors(self) -> tuple[ActorState, ...]:
        return self._supervisor.states().actors
