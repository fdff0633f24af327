"""The written scenario: what `scenario.toml` may say, checked when it is read.

Units are in the names (`_ms`, `_s`, `_mib`); times of day are UTC; probabilities are per request.
"""

from __future__ import annotations

import hashlib
import tomllib
from datetime import datetime
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

SECOND = 1_000_000
"""Microseconds; every time in the shop is an integer number of microseconds since the Unix epoch."""

DAY = 86_400 * SECOND

OK = 200
NOT_FOUND = 404
OVERLOADED = 503
BAD_GATEWAY = 502
TIMEOUT = 504
STATUSES = (OK, NOT_FOUND, 429, 500, BAD_GATEWAY, OVERLOADED, TIMEOUT)
"""Every status that may occur; columns hold the index into this tuple."""


def _clock(value: object) -> object:
    """`"02:50"` as microseconds since midnight."""
    if not isinstance(value, str):
        return value
    moment = datetime.strptime(value, "%H:%M")
    return (moment.hour * 3600 + moment.minute * 60) * SECOND


TimeOfDay = Annotated[int, BeforeValidator(_clock), Field(ge=0, lt=DAY)]
Probabilities = dict[int, Annotated[float, Field(ge=0, le=1)]]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Traffic(_Part):
    hours: Annotated[list[float], Field(min_length=24, max_length=24)]
    rps: dict[str, float]


class OperationSpec(_Part):
    calls: tuple[str, ...] = ()
    status: Probabilities = {}


class Effect(_Part):
    """What a version does to its service: factors, and probabilities that are added."""

    latency: float = 1.0
    cpu: float = 1.0
    status: Probabilities = {}


class ServiceSpec(_Part):
    version: str
    previous: str
    deployed: datetime
    replicas: Annotated[int, Field(ge=1)]
    rps_per_replica: float
    latency_ms: float
    spread: float
    timeout_s: Annotated[float, Field(le=10)]
    cpu_ms: float
    idle_cores: float
    cpu_limit: float
    memory_mib: int
    memory_limit_mib: int
    workers: int
    pool: int = 0
    pool_share: float = 1.0
    query: str = ""
    external: bool = False
    status: Probabilities = {}
    versions: dict[str, Effect] = {}
    messages: dict[str, str] = {}


class ModelPrices(_Part):
    provider: str
    model: str
    input_tokens: tuple[int, int]
    output_tokens_per_second: float
    input_usd_per_million: float
    output_usd_per_million: float


class Start(_Part):
    warmup_s: float
    latency: float


class Release(_Part):
    """A deploy every day, taken back later the same day (if it is still the version that runs)."""

    name: str
    service: str
    version: str
    deploy: TimeOfDay
    rollback: TimeOfDay


class Condition(_Part):
    """Something that holds every day from `start` to `end`, with a ramp at both ends."""

    name: str
    service: str
    start: TimeOfDay
    end: TimeOfDay
    ramp_s: Annotated[float, Field(gt=0)]
    latency: float = 1.0
    cpu: float = 1.0
    status: Probabilities = {}


class Leak(_Part):
    """Memory that grows to the limit in about `every_s`; then the process is killed and starts anew."""

    name: str
    service: str
    versions: tuple[str, ...]
    every_s: float
    offset_s: float
    jitter_s: float
    latency_at_limit: float
    outage_s: float


class Scenario(_Part):
    seed: int
    traffic: Traffic
    operations: dict[str, OperationSpec]
    services: dict[str, ServiceSpec]
    llm: ModelPrices
    start: Start
    releases: tuple[Release, ...] = ()
    conditions: tuple[Condition, ...] = ()
    leaks: tuple[Leak, ...] = ()

    @cached_property
    def own_services(self) -> tuple[str, ...]:
        """The services of the shop, in the order of the file; outside parties left out."""
        return tuple(name for name, spec in self.services.items() if not spec.external)

    def leak_of(self, service: str) -> Leak | None:
        return next((leak for leak in self.leaks if leak.service == service), None)

    @cached_property
    def digest(self) -> str:
        """Changes whenever the scenario does."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


def load(path: Path | None = None) -> Scenario:
    """Read the scenario; the one that ships with the shop when `path` is None.

    Raises pydantic.ValidationError naming the place that is wrong.
    """
    if path is None:
        text = resources.files(__package__ or "").joinpath("scenario.toml").read_text("utf-8")
    else:
        text = path.read_text("utf-8")
    return Scenario.model_validate(tomllib.loads(text))
