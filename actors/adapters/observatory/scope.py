"""Which series a plan is about: what it filters by, what it is grouped by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from schemas.plans import Plan

_FILTERS = ("service", "environment", "version", "status_code", "endpoint", "namespace", "host", "pod")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Scope:
    """`wanted`: kind of entity -> any of these values; `by`: kinds of entities, or names of labels."""

    wanted: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    by: tuple[str, ...] = ()

    @property
    def of_hosts(self) -> bool:
        """About machines, not about services on them."""
        return "service" not in self.wanted and "service" not in self.by and ("host" in {*self.wanted, *self.by})

    def with_any(self, role: str, values: tuple[str, ...]) -> Scope:
        return replace(self, wanted={**self.wanted, role: values})

    def grouped(self, *roles: str) -> Scope:
        return replace(self, by=tuple(dict.fromkeys((*self.by, *roles))))

    def words(self) -> str:
        """ "of service payment, environment production"; empty for everything."""
        parts = [f"{role.replace('_', ' ')} {' or '.join(values)}" for role, values in self.wanted.items()]
        return f" of {', '.join(parts)}" if parts else ""


def scope_of(plan: Plan) -> Scope:
    wanted: dict[str, tuple[str, ...]] = {}
    for role in _FILTERS:
        value: str | None = getattr(plan, role)
        if value:
            wanted[role] = (value,)
    method, path = method_and_path(plan.endpoint or "")
    if method:
        wanted |= {"endpoint": (path,), "method": (method,)}
    several = tuple(filter(None, plan.slots.get("services", "").split(",")))
    if several and not plan.service:
        wanted["service"] = several
    return Scope(wanted, tuple(dict.fromkeys((*plan.group_by, *(("service",) if len(several) > 1 else ())))))


def method_and_path(endpoint: str) -> tuple[str, str]:
    """ "POST /checkout" in its two parts; the method is empty where none is named."""
    method, _, path = endpoint.partition(" ")
    return (method.upper(), path.strip()) if path and method.upper() in _METHODS else ("", endpoint)
