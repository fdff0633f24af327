"""What can be done to the shop: deploy, scale, roll back, restart a service."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from actors.embedded.shop import ENVIRONMENT, ENVIRONMENTS, SERVICES

LARGEST_SCALE = 50
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_FIELDS = frozenset({"action", "service", "environment", "version", "share", "replicas", "key"})


class InvalidAction(ValueError):
    """What was asked for is not an action; the text says what is wrong with it."""


class NothingToRollBack(InvalidAction):
    """No version was there before the one that runs."""


class KeyUsed(InvalidAction):
    """Another action was taken under this key."""


class Kind(StrEnum):
    DEPLOY = "deploy"
    SCALE = "scale"
    ROLLBACK = "rollback"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Request:
    """An action asked for, checked. `key` makes a repeat of the request harmless.

    `share` of a deploy: so much of the requests, above 0 and below 1, gets the version, as a canary; None: all.
    `version` of a rollback: only where that one runs, for some or all requests; else nothing is done.
    """

    kind: Kind
    service: str
    version: str | None = None
    replicas: int | None = None
    key: str | None = None
    share: float | None = None
    environment: str = ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Action:
    """An action taken at `at`, microseconds since the Unix epoch."""

    at: int
    request: Request

    def as_json(self) -> dict[str, object]:
        request = self.request
        return {
            "at": self.at,
            "action": request.kind.value,
            "service": request.service,
            "environment": request.environment,
            "version": request.version,
            "share": request.share,
            "replicas": request.replicas,
            "key": request.key,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Action:
        """Raises KeyError or InvalidAction where `body` was not written by `as_json`."""
        return cls(int(body["at"]), parse({name: body.get(name) for name in _FIELDS}))


_TAKERS = {"version": (Kind.DEPLOY, Kind.ROLLBACK), "share": (Kind.DEPLOY,), "replicas": (Kind.SCALE,)}


def parse(body: object) -> Request:
    """`{action, service, environment?, version?, share?, replicas?, key?}` as a request. Raises InvalidAction."""
    if not isinstance(body, dict):
        raise InvalidAction("the body must be a JSON object")
    fields = cast("dict[str, object]", body)
    unknown = sorted(str(name) for name in fields if name not in _FIELDS)
    if unknown:
        raise InvalidAction(f"unknown field {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}")
    kind = _kind(fields.get("action"))
    service = fields.get("service")
    if service not in SERVICES:
        raise InvalidAction(f"no service {service!r}; there are {', '.join(SERVICES)}")
    version, replicas = fields.get("version"), fields.get("replicas")
    for name, takers in _TAKERS.items():
        if kind not in takers and fields.get(name) is not None:
            raise InvalidAction(f"{kind.value} takes no {name}")
    return Request(
        kind,
        str(service),
        _version(version) if kind is Kind.DEPLOY or version is not None else None,
        _replicas(replicas) if kind is Kind.SCALE else None,
        _key(fields.get("key")),
        _share(fields.get("share")),
        _environment(fields.get("environment")),
    )


def _kind(value: object) -> Kind:
    try:
        return Kind(cast("str", value))
    except ValueError:
        raise InvalidAction(f"no action {value!r}; there are {', '.join(Kind)}") from None


def _version(value: object) -> str:
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise InvalidAction("a deploy needs a version: 1 to 64 of letters, digits and . + _ -")
    return value


def _environment(value: object) -> str:
    if value is None:
        return ENVIRONMENT
    if value not in ENVIRONMENTS:
        raise InvalidAction(f"no environment {value!r}; there are {', '.join(ENVIRONMENTS)}")
    return str(value)


def _share(value: object) -> float | None:
    """All is no share: then the version is the service's own."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise InvalidAction("a share is a number above 0 and up to 1")
    return float(value) if value < 1 else None


def _replicas(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_SCALE:
        raise InvalidAction(f"scale needs replicas: a whole number from 1 to {LARGEST_SCALE}")
    return value


def _key(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise InvalidAction("a key is 1 to 200 printable ASCII characters without spaces")
    return value
