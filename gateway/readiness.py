"""Whether the system can answer: everybody is asked, and what is said is true within two seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.gateway import Gateway
from gateway.pools import BUS_ERRORS
from schemas.errors import CopilotError
from schemas.rest import Dependency, Readiness
from schemas.subjects import PING, SUPERVISOR_STATUS
from schemas.system import ActorState, Ping, StatusRequest

READY_SECONDS = 1.6  # nobody is waited for any longer, whoever hangs
STORE = "postgresql"
_WORST_FIRST = ("down", "not_configured", "up")


async def probe(gateway: Gateway) -> Readiness:
    """Asks everybody at once; ready when bus, store and every pool answer and the gateway is not stopping."""
    names = tuple(name for name, pool in gateway.settings.pools.items() if pool.size > 0)
    pinging = asyncio.gather(*(_ping(gateway, name) for name in names))
    bus, supervisor, answers = await asyncio.gather(_bus(gateway), _supervisor(gateway), pinging)
    pools = tuple(_explained(pool, supervisor.slots) for pool, _ in answers)
    others = _merged(dependency for _, found in answers for dependency in found)
    store_up = any(dependency.name == STORE and dependency.status == "up" for dependency in others)
    if not store_up and not any(dependency.name == STORE for dependency in others):
        others = (Dependency(name=STORE, status="down", message="no pool reports it"), *others)
    good = bus.status == "up" and store_up and all(pool.status == "up" for pool in pools)
    ready = good and not gateway.draining
    found = (bus, *pools, *others, supervisor.dependency)
    return Readiness(status="ready" if ready else "not_ready", dependencies=found)


async def _bus(gateway: Gateway) -> Dependency:
    """A connection may look open for seconds after the server has stopped answering: only an answer counts."""
    if not gateway.bus.connected:
        return Dependency(name="nats", status="down", message="not connected")
    try:
        seconds = await gateway.bus.round_trip(READY_SECONDS)
    except BUS_ERRORS as error:
        return Dependency(name="nats", status="down", message=str(error) or repr(error))
    return Dependency(name="nats", status="up", latency_ms=round(seconds * 1e3, 2))


@dataclass(frozen=True, slots=True)
class _Supervisor:
    """Turns are answered without it, so it is told and does not count; `slots` is what it says of the actors."""

    dependency: Dependency
    slots: tuple[ActorState, ...] = ()


async def _supervisor(gateway: Gateway) -> _Supervisor:
    started = time.perf_counter()
    try:
        states = await gateway.pools.ask(SUPERVISOR_STATUS, StatusRequest(), seconds=READY_SECONDS)
    except CopilotError as error:
        return _Supervisor(Dependency(name="supervisor", status="down", message=error.detail))
    latency = round((time.perf_counter() - started) * 1e3, 2)
    troubled = [_said(slot) for slot in states.actors if slot.state not in ("running", "draining", "stopped")]
    dependency = Dependency(name="supervisor", status="up", latency_ms=latency, message="; ".join(troubled))
    return _Supervisor(dependency, states.actors)


def _explained(pool: Dependency, slots: Iterable[ActorState]) -> Dependency:
    """A pool that does not answer, with what its supervisor knows of it."""
    known = [_said(slot) for slot in slots if slot.pool == pool.name]
    if pool.status == "up" or not known:
        return pool
    return pool.model_copy(update={"message": "; ".join((pool.message, *known))})


def _said(slot: ActorState) -> str:
    return f"{slot.slot} {slot.state}: {slot.message}" if slot.message else f"{slot.slot} {slot.state}"


async def _ping(gateway: Gateway, pool: str) -> tuple[Dependency, tuple[Dependency, ...]]:
    started = time.perf_counter()
    try:
        pong = await gateway.pools.ask(PING, Ping(), seconds=READY_SECONDS, pool=pool)
    except CopilotError as error:
        return Dependency(name=pool, status="down", message=error.detail), ()
    latency = round((time.perf_counter() - started) * 1e3, 2)
    found = tuple(Dependency(**state.model_dump()) for state in pong.dependencies)
    return Dependency(name=pool, status="up", latency_ms=latency), found


def _merged(found: Iterable[Dependency]) -> tuple[Dependency, ...]:
    """One of each name; where two actors see it differently, the worse view is told."""
    by_name: dict[str, Dependency] = {}
    for dependency in found:
        known = by_name.get(dependency.name)
        if known is None or _WORST_FIRST.index(dependency.status) < _WORST_FIRST.index(known.status):
            by_name[dependency.name] = dependency
    return tuple(by_name.values())
