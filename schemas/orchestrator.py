"""What is asked of the system that runs the services: what runs where, and changing it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.adapters import Action, BackendStates, Empty
from schemas.adapters import Frozen as Answered

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
Version = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]{0,99}$")]
ChangeName = Literal["deploy", "scale", "rollback", "restart"]


class _Asks(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Asks):
    """Of one service; `environment` None: where the backend's users are."""

    service: Name
    environment: Name | None = None


class Deploy(Change):
    """`share`: so much of the requests gets the version, above 0 and up to 1. Less than 1 is a canary beside the
    version that runs; deploying it again widens it, and without a share makes it the version."""

    version: Version
    share: float = Field(default=1.0, gt=0, le=1)


class Scale(Change):
    replicas: int = Field(ge=0, le=10_000)


class Rollback(Change):
    """Takes a canary away where there is one; else the version before runs again. `version`: only where that one
    runs, for some or all requests; else there is nothing to take back, and nothing is done: what a compensation
    wants, whoever has acted meanwhile."""

    version: Version | None = None


class Restart(Change):
    """New processes of the version that runs."""


class StatusQuestion(_Asks):
    """None: every service; the environment as in `Change`."""

    service: Name | None = None
    environment: Name | None = None


class Canary(Answered):
    version: str
    share: float


class ServiceState(Answered):
    """What is not known to the backend is null."""

    service: str
    environment: str
    version: str
    previous_version: str | None = None
    canary: Canary | None = None
    replicas: int
    restarts: int | None = None
    deployed_at: AwareDatetime | None = None
    started_at: AwareDatetime | None = None


class ServiceStates(BaseModel):
    services: tuple[ServiceState, ...]


class Changed(BaseModel):
    """`at`: when it was done, at the first of all calls with its key. `state`: right after it."""

    change: ChangeName
    at: AwareDatetime
    state: ServiceState


DEPLOY = Action("orchestrator", "deploy", Deploy, Changed, "keyed", "orchestrator.change", 15.0)
SCALE = Action("orchestrator", "scale", Scale, Changed, "keyed", "orchestrator.change", 15.0)
ROLLBACK = Action("orchestrator", "rollback", Rollback, Changed, "keyed", "orchestrator.change", 15.0)
RESTART = Action("orchestrator", "restart", Restart, Changed, "keyed", "orchestrator.change", 15.0)
STATUS = Action("orchestrator", "status", StatusQuestion, ServiceStates, "pure", "telemetry.read", 10.0)
STATE = Action("orchestrator", "state", Empty, BackendStates, "pure", "telemetry.read", 2.0)

ACTIONS: tuple[Action[Any, Any], ...] = (DEPLOY, SCALE, ROLLBACK, RESTART, STATUS, STATE)
