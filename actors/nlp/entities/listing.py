"""Findings as entities of the contract."""

from __future__ import annotations

from collections.abc import Iterator

from actors.nlp.entities.found import Found, Kind, Named
from actors.nlp.times import FoundTime
from schemas.nlp import Entity
from schemas.plans import TimeRange


def entities(text: str, found: Found) -> tuple[Entity, ...]:
    """What the text states, in its order."""
    named = [
        *(_entity(text, kind, part) for kind, parts in _named(found) for part in parts),
        *(_time(text, part) for part in (*found.times, *found.horizons)),
        *(
            _entity(text, "comparison", part).model_copy(
                update={"range": TimeRange(start=part.window.start, end=part.window.end)}
            )
            for part in found.comparisons
        ),
    ]
    return tuple(sorted(named, key=lambda entity: (entity.start, entity.end)))


def _named(found: Found) -> Iterator[tuple[Kind, tuple[Named, ...]]]:
    yield "service", found.services
    yield "metric", tuple(part for part in found.metrics if part.stated)
    yield "percentile", found.percentiles
    yield "aggregation", tuple(part for part in found.aggregations if part.stated)
    yield "threshold", found.thresholds
    yield "quantity", found.quantities
    yield "environment", found.environments
    yield "status_code", found.status_codes
    yield "endpoint", found.endpoints
    yield "severity", found.severities
    yield "log_level", found.log_levels
    yield "version", found.versions
    yield "namespace", found.namespaces
    yield "host", found.hosts
    yield "pod", found.pods
    yield "incident_id", found.incident_ids
    yield "workflow", found.workflows
    yield "trace_id", found.trace_ids
    yield "test_target", found.test_targets
    yield "language", found.languages
    yield "person", found.people
    yield "pattern", found.patterns


def _entity(text: str, kind: Kind, part: Named) -> Entity:
    return Entity(type=kind, value=part.value, text=text[part.start : part.end], start=part.start, end=part.end)


def _time(text: str, part: FoundTime) -> Entity:
    return Entity(
        type="time_range",
        value=text[part.start : part.end],
        text=text[part.start : part.end],
        start=part.start,
        end=part.end,
        range=TimeRange(start=part.window.start, end=part.window.end),
    )
