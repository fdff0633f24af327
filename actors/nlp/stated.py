"""What one clause says by itself, in the typed parts of a plan; the conversation and the defaults come later."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

from actors.nlp.clause import Clause
from actors.nlp.cues import cues
from actors.nlp.dialogue.signs import negated
from actors.nlp.entities import Found, FoundService, Named
from actors.nlp.entities.services import base_name, index_of, near, singular
from actors.nlp.times import FoundTime
from schemas.adapters import Catalogue
from schemas.entities import Entity
from schemas.nlp import UnknownService
from schemas.plans import Comparison, Environment, LogLevel, Plan, TimeRange

COMPARED = frozenset({"metric_query", "metric_compare"})
"""Intents whose several services stand side by side in `comparison`; others list them in `slots["services"]`."""
_WE = re.compile(r"\b(?:our|we|us|overall|globally|in general|site[ -]?wide|cluster[ -]?wide|platform[ -]?wide)\b")
_PLAIN = ("version", "endpoint", "status_code", "namespace", "host", "pod", "pattern", "trace_id")
_CLOSED = {"environment": frozenset(get_args(Environment)), "log_level": frozenset(get_args(LogLevel))}
"""Of a closed set of values; what a backend may name beyond it goes to the slots."""
_SLOTS = {
    "severity": "severities",
    "incident_id": "incident_ids",
    "workflow": "workflows",
    "test_target": "test_targets",
    "language": "languages",
    "person": "people",
    "quantity": "quantities",
}


@dataclass(frozen=True, slots=True)
class Stated:
    """`choices` are the catalogue's names that one of the text fits equally well."""

    plan: Plan
    entities: tuple[Entity, ...]
    choices: tuple[str, ...] = ()
    unknown: tuple[UnknownService, ...] = ()
    everything: bool = False

    @property
    def types(self) -> frozenset[str]:
        return frozenset(entity.type for entity in self.entities)


def stated(clause: Clause, intent: str, catalogue: Catalogue) -> Stated:
    found, left_out = clause.found, _left_out(clause)
    services = [part for part in found.services if part.start not in left_out]
    named, choices, unknown = _services(services, catalogue)
    form = cues(clause.counted, clause.text.lower(), found.quantities)
    plan = Plan.model_validate(
        {
            "intent": intent,
            "metric": _metric(found),
            "percentile": found.percentiles[-1].ratio if found.percentiles else None,
            "aggregation": _last(found.aggregations),
            "threshold": found.thresholds[-1].threshold if found.thresholds else None,
            "range": _range(found),
            "horizon_seconds": _horizon(found),
            "group_by": form.group_by,
            "top": form.top,
            "lowest": form.lowest,
            "per_seconds": form.per_seconds,
            "course": form.course,
            **{kind: _last(_kept(_parts(found, kind), left_out)) for kind in _PLAIN},
            **{kind: _last(_known(found, kind, left_out)) for kind in _CLOSED},
            "comparison": _comparison(found, left_out),
            "slots": _slots(found, left_out),
        }
    )
    return Stated(
        plan=with_services(plan, named),
        entities=tuple(entity for entity in clause.entities if entity.start not in left_out),
        choices=choices,
        unknown=unknown,
        everything=found.everything
        or "service" in form.group_by
        or (not services and bool(_WE.search(clause.bare))),
    )


# --- services --------------------------------------------------------------------------------------


def services_of(plan: Plan) -> tuple[str, ...]:
    """All services that a plan is about, by their names in the catalogue; () is all there are."""
    if plan.service:
        return (plan.service,)
    if plan.comparison is not None and plan.comparison.kind == "service":
        return plan.comparison.sides
    listed = plan.slots.get("services", "")
    return tuple(listed.split(",")) if listed else ()


def with_services(plan: Plan, names: tuple[str, ...]) -> Plan:
    slots = {key: value for key, value in plan.slots.items() if key != "services"}
    comparison = None if plan.comparison and plan.comparison.kind == "service" else plan.comparison
    one = names[0] if len(names) == 1 else None
    if len(names) > 1 and plan.intent in COMPARED and comparison is None:
        comparison = Comparison(kind="service", sides=names)
    elif len(names) > 1:
        slots["services"] = ",".join(names)
    return plan.model_copy(update={"service": one, "comparison": comparison, "slots": slots})


def _services(
    parts: list[FoundService], catalogue: Catalogue
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[UnknownService, ...]]:
    """The names that are clear, the choices of the first that is not, and those that do not exist."""
    named: list[str] = []
    unknown: list[UnknownService] = []
    choices: tuple[str, ...] = ()
    for part in parts:
        name = part.written or part.value
        fits = part.names or _fitting(name, catalogue)
        if len(fits) == 1:
            named.append(fits[0])
        elif fits:
            choices = choices or fits
        else:
            unknown.append(UnknownService(name=name, near=near(name, catalogue.services)))
    return tuple(dict.fromkeys(named)), choices, tuple(unknown)


def _fitting(name: str, catalogue: Catalogue) -> tuple[str, ...]:
    """A name that the catalogue does not have as it stands. Without a whole catalogue nobody can say that a
    service does not exist: it is taken as given. Half a name is a choice only where several have it."""
    if not catalogue.services or catalogue.degraded:
        return (base_name(name),)
    halves = index_of(catalogue.services).parts.get(singular(base_name(name)), ())
    return halves if len(halves) > 1 else ()


# --- the other parts -------------------------------------------------------------------------------


def _left_out(clause: Clause) -> frozenset[int]:
    """Where the names begin that are only there to be denied ("not checkout, payment")."""
    return frozenset(part.start for part in clause.entities if negated(clause.message, part.start))


def _kept(parts: Iterable[Named], left_out: frozenset[int]) -> tuple[Named, ...]:
    return tuple(part for part in parts if part.start not in left_out)


def _known(found: Found, kind: str, left_out: frozenset[int]) -> tuple[Named, ...]:
    return tuple(part for part in _kept(_parts(found, kind), left_out) if part.value in _CLOSED[kind])


def _parts(found: Found, kind: str) -> tuple[Named, ...]:
    return getattr(found, {"status_code": "status_codes", "log_level": "log_levels"}.get(kind, f"{kind}s"))


def _last(parts: tuple[Named, ...]) -> str | None:
    """ "From 2.4 to 2.5" means the last one."""
    return parts[-1].value if parts else None


def _metric(found: Found) -> str | None:
    named = [part for part in found.metrics if part.stated] or list(found.metrics)
    return named[0].value if named else None


def _range(found: Found) -> TimeRange | None:
    if found.times:
        return _window(found.times[0])
    first = next((part.first for part in found.comparisons if part.first), None)
    return TimeRange(start=first.start, end=first.end) if first else None


def _window(part: FoundTime) -> TimeRange:
    return TimeRange(start=part.window.start, end=part.window.end)


def _horizon(found: Found) -> float | None:
    if not found.horizons:
        return None
    window = found.horizons[0].window
    return max(1.0, (window.end - window.start).total_seconds())


def _comparison(found: Found, left_out: frozenset[int]) -> Comparison | None:
    if found.comparisons:
        window = found.comparisons[0].window
        return Comparison(kind="time", range=TimeRange(start=window.start, end=window.end))
    for kind in ("version", "environment", "endpoint"):
        names = tuple(dict.fromkeys(part.value for part in _kept(_parts(found, kind), left_out)))
        if len(names) > 1:
            return Comparison(kind=kind, sides=names)
    if len(found.times) > 1:
        return Comparison(kind="time", range=_window(found.times[1]))
    return None


def _slots(found: Found, left_out: frozenset[int]) -> dict[str, str]:
    listed: dict[str, Any] = {
        kind: dict.fromkeys(part.value for part in _kept(getattr(found, field), left_out))
        for kind, field in _SLOTS.items()
    }
    for kind, known in _CLOSED.items():
        others = (part.value for part in _kept(_parts(found, kind), left_out) if part.value not in known)
        listed[kind] = dict.fromkeys(others)
    return {kind: ",".join(values) for kind, values in listed.items() if values}
