"""What a pool is, and what a runtime must do to run its actors."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol, cast

from actors.platform.pool.actor import Place, PoolActor


@dataclass(frozen=True, slots=True)
class Pool:
    """`actor` is `module:Class`. Size and CPUs come from the settings `[pools.<name>]`."""

    name: str
    actor: str

    def load(self) -> type[PoolActor]:
        module, _, name = self.actor.partition(":")
        return cast("type[PoolActor]", getattr(importlib.import_module(module), name))


class RunningActor(Protocol):
    """One life of an actor that serves."""

    @property
    def pid(self) -> int | None: ...

    async def ended(self) -> str:
        """Returns when the actor has ended without being told to, with the reason."""
        ...

    async def stop(self, grace_seconds: float) -> None:
        """Drains and ends it; ends it anyway after the grace."""
        ...

    async def kill(self) -> None:
        """Ends it at once, whatever it is doing; one that hangs cannot drain."""
        ...


class Runtime(Protocol):
    name: str

    async def open(self) -> None: ...
    async def close(self) -> None: ...

    async def start(self, pool: Pool, place: Place, cpus: float) -> RunningActor:
        """Returns when the actor serves. Raises any error that its start raised."""
        ...
