"""The orchestrator: what runs where, and changing it. Each change is done once for its key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from actors.adapters.orchestrator.port import Capability, Orchestrator
from actors.adapters.orchestrator.registry import BACKENDS
from actors.adapters.port import Answer, Call, Offer, Wiring, require
from schemas.adapters import Action, BackendState, BackendStates, Empty
from schemas.errors import InvalidInput
from schemas.orchestrator import (
    DEPLOY,
    RESTART,
    ROLLBACK,
    SCALE,
    STATE,
    STATUS,
    Change,
    Changed,
    Deploy,
    ServiceStates,
    StatusQuestion,
)

ChangeT = TypeVar("ChangeT", bound=Change)


class OrchestratorModule:
    """`make`: other backends than the configured one, for tests."""

    def __init__(self, wiring: Wiring, make: Callable[[Wiring], Orchestrator] | None = None) -> None:
        self.name: Final = "orchestrator"
        self._backend = (make or BACKENDS[wiring.settings.orchestrator.backend])(wiring)
        self.offers: tuple[Offer[Any, Any], ...] = (
            self._change(DEPLOY, "deploy", self._backend.deploy),
            self._change(SCALE, "scale", self._backend.scale),
            self._change(ROLLBACK, "rollback", self._backend.rollback),
            self._change(RESTART, "restart", self._backend.restart),
            Offer(STATUS, self._status),
            Offer(STATE, self._state),
        )

    async def states(self) -> tuple[BackendState, ...]:
        return (await self._backend.state(),)

    async def close(self) -> None:
        """Nothing is held beside the actor's own session."""

    def _change(
        self,
        action: Action[ChangeT, Changed],
        capability: Capability,
        change: Callable[[ChangeT, str], Awaitable[Changed]],
    ) -> Offer[ChangeT, Changed]:
        async def handle(asked: ChangeT, call: Call) -> Answer[Changed]:
            require(self._backend, capability)
            if isinstance(asked, Deploy) and asked.share < 1:
                require(self._backend, "canary")
            if not call.effect_key:
                raise InvalidInput(f"orchestrator.{action.name} needs an effect_key")
            return Answer(await change(asked, call.effect_key))

        return Offer(action, handle)

    async def _status(self, asked: StatusQuestion, call: Call) -> Answer[ServiceStates]:
        require(self._backend, "status")
        return Answer(ServiceStates(services=await self._backend.status(asked)))

    async def _state(self, asked: Empty, call: Call) -> Answer[BackendStates]:
        return Answer(BackendStates(backends=await self.states()))
