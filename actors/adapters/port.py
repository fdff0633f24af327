"""The port: what a module offers, what a backend promises, and what both are given.

A module is one entry in `registry.py`; a backend is one file in its module and one line in that module's registry.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import aiohttp
from pydantic import BaseModel

from actors.adapters.meter import Meter
from actors.platform.config import Settings
from schemas.adapters import Action, BackendState, Degraded, Evidence
from schemas.errors import NotThereYet
from schemas.identity import Identity

AsksT = TypeVar("AsksT", bound=BaseModel)
AnswersT = TypeVar("AnswersT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Wiring:
    """What modules and backends share in one actor; `http` is its only client session."""

    settings: Settings
    http: aiohttp.ClientSession
    meter: Meter


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks. `effect_key` is there for `keyed` and `probe` actions, the same for every attempt."""

    identity: Identity
    effect_key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer(Generic[AnswersT]):
    """What a handler found; the actor makes the `Outcome` of it."""

    output: AnswersT
    evidence: tuple[Evidence, ...] = ()
    degraded: tuple[Degraded, ...] = ()


Handler = Callable[[AsksT, Call], Awaitable[Answer[AnswersT]]]


@dataclass(frozen=True, slots=True)
class Offer(Generic[AsksT, AnswersT]):
    """An action and who answers it."""

    action: Action[AsksT, AnswersT]
    handler: Handler[AsksT, AnswersT]


class Module(Protocol):
    """A set of actions over backends of one trade. Made anew in each actor."""

    @property
    def name(self) -> str: ...

    @property
    def offers(self) -> tuple[Offer[Any, Any], ...]: ...

    async def states(self) -> tuple[BackendState, ...]:
        """Its backends, probed now, each within a second."""
        ...

    async def close(self) -> None:
        """Lets go of what it holds."""
        ...


ModuleFactory = Callable[[Wiring], Module]


class Backend(Protocol):
    """A system that a module asks. `capabilities` are the words of its kind's protocol."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> frozenset[str]: ...

    async def state(self) -> BackendState:
        """Probed now, within a second; never raises for a backend that is away."""
        ...


def require(backend: Backend, capability: str) -> None:
    """Raises NotThereYet, saying what this backend can do, when it cannot do that."""
    if capability not in backend.capabilities:
        able = ", ".join(sorted(backend.capabilities)) or "nothing"
        raise NotThereYet(f"the backend {backend.name} does not offer {capability!r}; it offers {able}")
