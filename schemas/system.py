"""How the system speaks about itself: pings, metrics, the supervisor."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from schemas.adapters import BackendState
from schemas.identity import Identity

PROBE_SECONDS = 0.6
"""An actor probes what it needs no longer than this, so that whoever pings it waits little longer."""


class Ping(BaseModel):
    """Asks one actor of a pool whether it can work."""


class Pong(BaseModel):
    pool: str
    process: str
    dependencies: tuple[BackendState, ...] = ()
    """What this actor needs or uses, as it sees it now."""


class Alive(BaseModel):
    """One actor's sign of life, from the moment that it has the bus."""

    waits_for: str = ""
    """What its start still waits for, such as `PostgreSQL`; empty once it serves."""


class MetricsRequest(BaseModel):
    """Asks every process for its metrics (no queue group)."""


class Sample(BaseModel):
    name: str
    labels: dict[str, str]
    value: float


class Family(BaseModel):
    name: str
    type: str
    help: str
    samples: tuple[Sample, ...]


class MetricsReport(BaseModel):
    """`process` is a stable slot such as `nlp-0`, not a pid."""

    pool: str
    process: str
    families: tuple[Family, ...]
    expected: tuple[tuple[str, str], ...] = ()
    """Only from the supervisor: every (pool, process) that should be there."""


class ScaleRequest(BaseModel):
    pool: str
    size: int = Field(ge=0, le=64)
    identity: Identity


class ActorState(BaseModel):
    pool: str
    slot: str
    state: Literal["starting", "running", "draining", "backing_off", "crash_loop", "stopped"]
    pid: int | None = None
    restarts: int = 0
    message: str = ""


class PoolStates(BaseModel):
    runtime: Literal["ray", "local"]
    actors: tuple[ActorState, ...]


class StatusRequest(BaseModel):
    """Asks the supervisor for its table."""


class TurnWake(BaseModel):
    """A turn waits for an owner; the table says which."""

    session_id: str
