"""The port of all modules: actions with schema, class, permission and deadline, and what they say.

A backend lives behind an action. Adding one is a file in `actors/adapters/<module>/` and a line in
its registry; nothing here changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.identity import Identity, Permission
from schemas.measures import Measured, Translation
from schemas.plans import Metric, Plan, TimeRange

ActionClass = Literal["pure", "keyed", "probe", "unsafe"]
AsksT = TypeVar("AsksT", bound=BaseModel)
AnswersT = TypeVar("AnswersT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Action(Generic[AsksT, AnswersT]):
    """`effect` says what a repeated call does: `pure` nothing, `keyed` the same effect once."""

    module: str
    name: str
    asks: type[AsksT]
    answers: type[AnswersT]
    effect: ActionClass
    permission: Permission
    deadline_seconds: float


class Command(BaseModel):
    """One call of an action."""

    identity: Identity
    input: dict[str, Any]
    effect_key: str | None = None
    """The same for every attempt of one effect; needed by `keyed` and `probe` actions."""


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class EvidenceRange(Frozen):
    start: AwareDatetime
    end: AwareDatetime
    step_seconds: float | None = None


class EvidenceResult(Frozen):
    """`value` in base units (seconds, bytes, ratios 0 to 1): a number for a scalar, rows for a table
    (`[{labels…, "value": n}]`), `[{"labels": {…}, "points": [[unix seconds, n], …]}, …]` for series, null for
    none. A value that was NaN or infinite is null."""

    kind: Literal["scalar", "series", "table", "logs", "traces", "none"]
    name: str
    value: Any = None
    unit: str | None = None


class Evidence(Frozen):
    module: str
    backend: str
    language: str
    query: str
    range: EvidenceRange
    result: EvidenceResult


class Degraded(Frozen):
    part: str
    reason: str


class Usage(Frozen):
    """What a language model was used for an answer; `model` is null where none was."""

    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


class Outcome(BaseModel):
    """What an action answers; `output` has the action's `answers` schema."""

    output: dict[str, Any]
    evidence: tuple[Evidence, ...] = ()
    degraded: tuple[Degraded, ...] = ()


class Probed(BaseModel):
    """Whether the effect of a command's key has happened, and what it gave."""

    happened: bool
    output: dict[str, Any] | None = None


class Empty(BaseModel):
    """Nothing to say."""


# --- observatory -----------------------------------------------------------------------------------


class Catalogue(BaseModel):
    """What the backends show, with what the configuration adds."""

    services: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    depends_on: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """service -> the services that it calls."""
    degraded: tuple[Degraded, ...] = ()


class MetricQuestion(BaseModel):
    metric: Metric
    service: str | None = None
    percentile: float | None = Field(default=None, gt=0, lt=1)
    range: TimeRange


class StatusCount(Frozen):
    status: str
    count: float
    share: float
    """Of the failed requests, 0 to 1."""


class MetricAnswer(BaseModel):
    """`value` is null where the backend has no data; zero is a measurement."""

    metric: Metric
    service: str | None
    percentile: float | None = None
    value: float | None
    unit: Literal["ratio", "seconds", "requests_per_second"]
    total_requests: float | None = None
    failed_requests: float | None = None
    failures: tuple[StatusCount, ...] = ()
    slo_target: float | None = None
    within_slo: bool | None = None
    calls: tuple[str, ...] = ()
    """The services that `service` calls; none where the question is for all."""


class UpstreamAnswer(BaseModel):
    """The services that `service` calls, directly and further, worst first."""

    service: str
    figures: tuple[MetricAnswer, ...]


class HealthQuestion(BaseModel):
    service: str | None = None
    environment: str | None = None
    range: TimeRange


class ServiceHealth(BaseModel):
    service: str
    status: Literal["healthy", "degraded", "down", "unknown"]
    error_ratio: float | None
    latency_p95_seconds: float | None
    requests_per_second: float | None
    instances_up: int | None
    instances: int | None
    reasons: tuple[str, ...] = ()


class HealthAnswer(BaseModel):
    services: tuple[ServiceHealth, ...]


class RawQuery(BaseModel):
    query: str = Field(min_length=1, max_length=10_000)
    language: Literal["promql"]
    range: TimeRange | None = None
    at: AwareDatetime
    step_seconds: float | None = Field(default=None, gt=0)


class RawAnswer(BaseModel):
    """The result is in the evidence."""


class BackendState(Frozen):
    name: str
    status: Literal["up", "down", "not_configured"]
    latency_ms: float | None = None
    message: str = ""


class BackendStates(BaseModel):
    backends: tuple[BackendState, ...]


# --- models ----------------------------------------------------------------------------------------


class IntentCandidate(Frozen):
    name: str
    description: str


class IntentChoice(BaseModel):
    """One of the candidates is to be chosen for the text. `context` says what was asked before it."""

    text: str
    candidates: tuple[IntentCandidate, ...] = Field(min_length=2)
    context: str | None = None


class ChosenIntent(BaseModel):
    """`intent` is the name of one of the candidates."""

    intent: str
    usage: Usage


CATALOGUE = Action("observatory", "catalogue", Empty, Catalogue, "pure", "telemetry.read", 3.0)
METRIC = Action("observatory", "metric", MetricQuestion, MetricAnswer, "pure", "telemetry.read", 10.0)
UPSTREAM = Action("observatory", "upstream", MetricQuestion, UpstreamAnswer, "pure", "telemetry.read", 10.0)
HEALTH = Action("observatory", "health", HealthQuestion, HealthAnswer, "pure", "telemetry.read", 10.0)
TRANSLATE = Action("observatory", "translate", Plan, Translation, "pure", "telemetry.read", 3.0)
MEASURE = Action("observatory", "measure", Plan, Measured, "pure", "telemetry.read", 10.0)
QUERY = Action("observatory", "query", RawQuery, RawAnswer, "pure", "telemetry.read", 10.0)
STATE = Action("observatory", "state", Empty, BackendStates, "pure", "telemetry.read", 2.0)
CHOOSE_INTENT = Action("models", "choose_intent", IntentChoice, ChosenIntent, "pure", "chat", 20.0)

ACTIONS: tuple[Action[Any, Any], ...] = (
    CATALOGUE,
    METRIC,
    UPSTREAM,
    HEALTH,
    TRANSLATE,
    MEASURE,
    QUERY,
    STATE,
    CHOOSE_INTENT,
)
