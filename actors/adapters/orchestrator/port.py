"""What a backend of the orchestrator promises."""

from __future__ import annotations

from typing import Literal, Protocol

from actors.adapters.port import Backend
from schemas.orchestrator import Changed, Deploy, Restart, Rollback, Scale, ServiceState, StatusQuestion

Capability = Literal["deploy", "canary", "scale", "rollback", "restart", "status"]


class Orchestrator(Backend, Protocol):
    """Runs services. A change with a key that was seen before is answered as it was then, and not done again; that
    holds over a restart of the backend.

    Raises InvalidInput for what cannot be (no such service, environment, number); Conflict for what cannot be now
    (nothing to roll back to, a key that was another change's); BackendUnavailable where it does not answer: the
    change may have been done then, and asking again with its key is harmless.
    """

    async def deploy(self, asked: Deploy, key: str) -> Changed: ...

    async def scale(self, asked: Scale, key: str) -> Changed: ...

    async def rollback(self, asked: Rollback, key: str) -> Changed: ...

    async def restart(self, asked: Restart, key: str) -> Changed: ...

    async def status(self, asked: StatusQuestion) -> tuple[ServiceState, ...]:
        """By name; one service, or all of an environment."""
        ...
