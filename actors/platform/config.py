"""Settings: `deploy/config/default.toml` < the file in COPILOT_CONFIG < `.env` < COPILOT_* in the environment.

`load()` is the only way in. An unknown key or a mistyped name is a `ConfigurationError` that
names the nearest valid one; nothing is dropped in silence.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

_CHECKOUT = Path(__file__).parents[2] / "deploy" / "config" / "default.toml"
DEFAULTS = _CHECKOUT if _CHECKOUT.exists() else Path(__file__).with_name("default.toml")  # the latter in a wheel
PREFIX = "COPILOT_"
_NOT_SETTINGS = (
    "COPILOT_CONFIG",
    "COPILOT_CLIENT_TOKEN",
    "COPILOT_FAULT_POINTS",
)  # the commands' own; the tests' own
_FREE = (
    "CATALOGUE__DEPENDS_ON",
    "OBSERVATORY__METRICS",
    "OBSERVATORY__LABELS",
    "OBSERVATORY__LOG_LABELS",
    "WORKFLOW__ACTION_LIMITS",
)
_WHOLE = frozenset(
    f"COPILOT_{name}" for name in _FREE
)  # their keys are names of services and such, not of settings
SECRET_KEYS = frozenset({"jwt_secret", "api_key", "password"})


class ConfigurationError(ValueError):
    """The configuration cannot be used; the message names the key and the remedy."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    host: str
    port: int = Field(ge=0, le=65535)
    grpc_port: int = Field(ge=0, le=65535)
    metrics_open: bool
    drain_seconds: float = Field(gt=0)


class DatabaseSettings(Section):
    url: str
    max_connections: int = Field(ge=1, le=64)


class RedisSettings(Section):
    url: str


class NatsSettings(Section):
    url: str
    port: int = Field(ge=0, le=65535)


class LlmSettings(Section):
    """`provider` is the name that litellm has for it."""

    provider: str = Field(pattern=r"^[a-z0-9_]+$")
    model: str
    max_tokens: int = Field(ge=1)
    api_base: str
    api_key: str
    fallbacks: tuple[str, ...]
    budget_usd_per_day: float = Field(ge=0)
    timeout_seconds: float = Field(gt=0, le=20)

    @property
    def configured(self) -> bool:
        return self.provider != "none"


class AuthSettings(Section):
    mode: Literal["local", "jwt"]
    jwt_secret: str
    issuer: str
    audience: str
    token_expiry_seconds: int = Field(gt=0)


class ObservatorySettings(Section):
    prometheus_url: str
    timeout_seconds: float = Field(gt=0)
    catalogue_ttl_seconds: float = Field(gt=0)
    metrics: dict[str, str]
    labels: dict[str, str]
    log_labels: dict[str, str]


class OrchestratorSettings(Section):
    backend: Literal["shop"]
    url: str
    timeout_seconds: float = Field(gt=0)


class SloSettings(Section):
    error_rate: float = Field(gt=0, lt=1)
    latency_p95_seconds: float = Field(gt=0)
    window_days: float = Field(gt=0, le=30)


class NlpSettings(Section):
    intents_dir: str
    cache_dir: str


class CatalogueSettings(Section):
    services: tuple[str, ...]
    environments: tuple[str, ...]
    slo: SloSettings
    depends_on: dict[str, tuple[str, ...]]


class PoolSettings(Section):
    size: int = Field(ge=0, le=64)
    cpus: float = Field(ge=0)


class WorkflowSettings(Section):
    """`action_limits`: how many of an action may run at a time, over all actors."""

    lease_seconds: float = Field(gt=0)
    renew_seconds: float = Field(gt=0)
    action_limits: dict[str, int]
    http_allow: tuple[str, ...]
    http_seconds: float = Field(gt=0)
    command_seconds: float = Field(gt=0)
    command_memory_mb: int = Field(ge=16)
    command_environment: tuple[str, ...]


class LimitSettings(Section):
    requests_per_minute: int = Field(gt=0)
    body_bytes: int = Field(gt=0)
    connections: int = Field(gt=0)
    connections_per_address: int = Field(gt=0)
    grpc_connections: int = Field(gt=0)
    message_characters: int = Field(gt=0)
    turn_seconds: float = Field(gt=0)
    turns_in_flight: int = Field(ge=1)


class TelemetrySettings(Section):
    otlp_endpoint: str
    log_level: Literal["debug", "info", "warning", "error"]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_file=".env",
        extra="forbid",
        frozen=True,
    )

    data_dir: str
    server: ServerSettings
    database: DatabaseSettings
    redis: RedisSettings
    nats: NatsSettings
    llm: LlmSettings
    auth: AuthSettings
    observatory: ObservatorySettings
    nlp: NlpSettings
    orchestrator: OrchestratorSettings
    catalogue: CatalogueSettings
    pools: dict[str, PoolSettings]
    workflow: WorkflowSettings
    limits: LimitSettings
    telemetry: TelemetrySettings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # The init values are the merged TOML files: they come last, the environment first.
        return env_settings, dotenv_settings, init_settings

    @property
    def data_path(self) -> Path:
        """Where the embedded servers keep their data; absolute."""
        return Path(self.data_dir).expanduser().absolute() if self.data_dir else default_data_path()

    @property
    def classifiers_path(self) -> Path:
        """Where fitted classifiers are kept; absolute."""
        kept = self.nlp.cache_dir
        return Path(kept).expanduser().absolute() if kept else self.data_path / "nlp"

    @property
    def own_intents_path(self) -> Path | None:
        """The directory of users' own intents."""
        own = self.nlp.intents_dir
        return Path(own).expanduser().absolute() if own else None


def default_data_path() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/copilot")
    return Path(os.environ.get("XDG_DATA_HOME", "~/.local/share")).expanduser() / "copilot"


def load() -> Settings:
    """Reads all sources. Raises ConfigurationError with every problem found, one a line."""
    merged = _merge(_read_toml(DEFAULTS), _user_file())
    problems = list(_mistyped_names(merged))
    if problems:
        raise ConfigurationError("\n".join(problems))
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explain(error, merged))) from error
    _check(settings)
    return _without_models(settings)


def printable(settings: Settings) -> dict[str, Any]:
    """The settings as JSON values, with secrets and passwords in URLs left out."""
    return cast("dict[str, Any]", _masked(settings.model_dump(mode="json")))


def to_environment(settings: Settings) -> dict[str, str]:
    """The settings as COPILOT_* values: a child process that loads them gets these very ones."""
    return dict(_flat(settings.model_dump(mode="json"), PREFIX))


def _flat(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        name = f"{path}{key.upper()}"
        if isinstance(value, dict) and name not in _WHOLE:
            yield from _flat(cast("dict[str, Any]", value), f"{name}__")
        else:
            yield name, value if isinstance(value, str) else json.dumps(value)


def mask_url(url: str) -> str:
    """`scheme://user:password@host` -> `scheme://user:***@host`."""
    scheme, separator, rest = url.partition("://")
    credentials, at, host = rest.rpartition("@")
    if not at or ":" not in credentials:
        return url
    return f"{scheme}{separator}{credentials.split(':', 1)[0]}:***@{host}"


def _without_models(settings: Settings) -> Settings:
    """Nobody starts processes for models where there are none."""
    if settings.llm.configured:
        return settings
    none = settings.pools["models"].model_copy(update={"size": 0})
    return settings.model_copy(update={"pools": {**settings.pools, "models": none}})


def _check(settings: Settings) -> None:
    _check_models(settings.llm)
    if settings.auth.mode == "jwt" and len(settings.auth.jwt_secret.encode()) < 32:
        raise ConfigurationError(
            "auth.jwt_secret must have at least 32 bytes when auth.mode is 'jwt': set COPILOT_AUTH__JWT_SECRET"
        )
    if settings.auth.mode == "local" and settings.server.host not in {"127.0.0.1", "::1", "localhost"}:
        raise ConfigurationError(
            f"server.host is {settings.server.host!r}, but auth.mode 'local' trusts every caller and therefore "
            "binds loopback only: set COPILOT_AUTH__MODE=jwt, or COPILOT_SERVER__HOST=127.0.0.1"
        )


def _check_models(llm: LlmSettings) -> None:
    if llm.configured and not llm.model:
        raise ConfigurationError(
            f"llm.provider is {llm.provider!r}, but no model is named: set COPILOT_LLM__MODEL"
        )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigurationError(f"configuration file {path} does not exist") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"configuration file {path} is not valid TOML: {error}") from error


def _user_file() -> dict[str, Any]:
    path = os.environ.get("COPILOT_CONFIG")
    return _read_toml(Path(path)) if path else {}


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        inner = merged.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            merged[key] = _merge(cast("dict[str, Any]", inner), cast("dict[str, Any]", value))
        else:
            merged[key] = value
    return merged


def _names(tree: Mapping[str, Any], path: str = PREFIX) -> Iterator[str]:
    for key, value in tree.items():
        name = f"{path}{key.upper()}"
        yield name
        if isinstance(value, dict):
            yield from _names(cast("dict[str, Any]", value), f"{name}__")


def _mistyped_names(merged: Mapping[str, Any]) -> Iterator[str]:
    """pydantic-settings drops unknown environment names in silence; here they are errors."""
    known = {*_names(merged), *_NOT_SETTINGS}
    free = tuple(f"{PREFIX}{name}__" for name in ("POOLS", *_FREE))
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name.upper() not in known and not name.upper().startswith(free):
            yield f"unknown setting {name} in the environment{_nearest(name, known)}"


def _nearest(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else ""


def _explain(error: ValidationError, merged: Mapping[str, Any]) -> Iterator[str]:
    known = {name.removeprefix(PREFIX).lower().replace("__", ".") for name in _names(merged)}
    for item in error.errors():
        path = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            yield f"unknown setting {path}{_nearest(path, known - {path})}"
        else:
            yield f"setting {path}: {item['msg']}"


def _masked(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _masked(inner, name) for name, inner in cast("dict[str, Any]", value).items()}
    if key in SECRET_KEYS and value:
        return "***"
    if key in ("url", "api_base") or key.endswith("_url"):
        return mask_url(str(value))
    return value
