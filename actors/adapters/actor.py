"""The actor of the adapters pool: one subject per action of its modules."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ValidationError

from actors.adapters.deadline import ends_in
from actors.adapters.meter import Meter
from actors.adapters.port import Call, Module, ModuleFactory, Offer, Wiring
from actors.adapters.registry import MODULES
from actors.platform.bus.transport import Transport
from actors.platform.pool.actor import Place, PoolActor
from schemas.adapters import Action, BackendState, Command, Outcome
from schemas.envelope import Envelope, violations
from schemas.errors import DeadlineExceeded, Forbidden, InvalidInput, Violation
from schemas.subjects import ACT

CONNECTIONS_PER_HOST = 32
KEEP_ALIVE_SECONDS = 30.0

AsksT = TypeVar("AsksT", bound=BaseModel)


class AdaptersActor(PoolActor):
    """Answers `copilot.v1.adapters.{module}.{action}` for every action that its modules offer."""

    def __init__(
        self, place: Place, transport: Transport | None = None, *, modules: Sequence[ModuleFactory] = MODULES
    ) -> None:
        super().__init__(place, transport)
        self._factories = modules
        self._meter = Meter(self.telemetry)
        self._modules: tuple[Module, ...] = ()
        self._http: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        connector = aiohttp.TCPConnector(limit_per_host=CONNECTIONS_PER_HOST, keepalive_timeout=KEEP_ALIVE_SECONDS)
        self._http = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        wiring = Wiring(self.settings, self._http, self._meter)
        self._modules = tuple(make(wiring) for make in self._factories)
        for module in self._modules:
            for offer in module.offers:
                await self._serve(module, offer)

    async def close(self) -> None:
        for module in self._modules:
            await module.close()
        if self._http is not None:
            await self._http.close()

    async def dependencies(self) -> tuple[BackendState, ...]:
        found = await asyncio.gather(*(module.states() for module in self._modules))
        return tuple(state for states in found for state in states)

    async def _serve(self, module: Module, offer: Offer[Any, Any]) -> None:
        await self.bus.serve(ACT, partial(self._act, offer), module=module.name, action=offer.action.name)

    async def _act(self, offer: Offer[Any, Any], envelope: Envelope[Command]) -> Outcome:
        action, command = offer.action, envelope.data
        _permit(action, command)
        _check_effect_key(action, command)
        asks = _asks(action.asks, command)
        seconds = min(action.deadline_seconds, envelope.remaining(action.deadline_seconds))
        return await _within(seconds, offer, asks, Call(command.identity, command.effect_key))


async def _within(seconds: float, offer: Offer[Any, Any], asks: BaseModel, call: Call) -> Outcome:
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            with ends_in(seconds):
                answer = await offer.handler(asks, call)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        name = f"{offer.action.module}.{offer.action.name}"
        raise DeadlineExceeded(f"{name} was not done within its {seconds:.3g} s") from error
    output = answer.output.model_dump(mode="json")
    return Outcome(output=output, evidence=answer.evidence, degraded=answer.degraded)


def _permit(action: Action[Any, Any], command: Command) -> None:
    if not command.identity.may(action.permission):
        raise Forbidden(f"{action.module}.{action.name} needs the permission {action.permission}")


def _check_effect_key(action: Action[Any, Any], command: Command) -> None:
    if action.effect in {"keyed", "probe"} and not command.effect_key:
        raise InvalidInput(
            f"{action.module}.{action.name} changes something and needs an effect_key",
            violations=(Violation(pointer="/effect_key", detail="must not be empty"),),
        )


def _asks(schema: type[AsksT], command: Command) -> AsksT:
    try:
        return schema.model_validate(command.input)
    except ValidationError as error:
        raise InvalidInput(f"not a valid {schema.__name__}", violations=violations(error)) from error
