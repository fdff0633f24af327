"""Everything that the text itself names, each with its span."""

from __future__ import annotations

from dataclasses import dataclass

from actors.nlp.mentions import Mention, find_mentions
from actors.nlp.metrics import FoundMetric, FoundPercentile, find_metrics, find_percentiles
from actors.nlp.services import FoundService, base_name, find_services, index_of
from actors.nlp.times import Calendar, FoundTime, find_times
from actors.nlp.tokens import tokenize
from schemas.nlp import Entity
from schemas.plans import TimeRange

EVERYTHING = frozenset(
    {"all", "overall", "every", "everything", "everywhere", "across", "total", "altogether", "together", "each"}
    | {"platform", "system", "entire", "whole"}
)


@dataclass(frozen=True, slots=True)
class Found:
    words: tuple[str, ...]
    """All words in lower case."""
    services: tuple[FoundService, ...]
    mentions: tuple[Mention, ...]
    """Names of services that the catalogue does not have."""
    metrics: tuple[FoundMetric, ...]
    percentiles: tuple[FoundPercentile, ...]
    times: tuple[FoundTime, ...]
    everything: bool

    @property
    def names_service(self) -> bool:
        return bool(self.services or self.mentions)

    @property
    def measures(self) -> bool:
        return bool(self.metrics or self.percentiles)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        named = (*self.services, *self.mentions, *self.metrics, *self.percentiles, *self.times)
        return tuple((part.start, part.end) for part in named)


def find(text: str, calendar: Calendar, services: tuple[str, ...]) -> Found:
    tokens = tokenize(text)
    index = index_of(services)
    metrics, percentiles = find_metrics(text), find_percentiles(text)
    measured = _spans(metrics) + _spans(percentiles)
    named = tuple(found for found in find_services(text, tokens, index) if _free(found, measured))
    times = tuple(found for found in find_times(text, calendar, tokens) if _free(found, _spans(named)))
    taken = measured + _spans(named) + _spans(times)
    words = tuple(token.text for token in tokens if token.kind in ("word", "number"))
    return Found(
        words=words,
        services=named,
        mentions=find_mentions(text, tokens, index, taken),
        metrics=metrics,
        percentiles=percentiles,
        times=times,
        everything=not EVERYTHING.isdisjoint(words),
    )


Named = FoundService | FoundMetric | FoundPercentile | FoundTime


def _spans(found: tuple[Named, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((part.start, part.end) for part in found)


def _free(part: Named, taken: tuple[tuple[int, int], ...]) -> bool:
    return all(part.end <= start or part.start >= end for start, end in taken)


def entities(text: str, found: Found) -> tuple[Entity, ...]:
    """In the order of the text."""
    named = [
        *(_entity(text, "service", part.value, part.start, part.end) for part in found.services),
        *(_entity(text, "service", base_name(part.name), part.start, part.end) for part in found.mentions),
        *(_entity(text, "metric", part.value, part.start, part.end) for part in found.metrics),
        *(_entity(text, "percentile", f"{part.value:g}", part.start, part.end) for part in found.percentiles),
        *(_time(text, part) for part in found.times),
    ]
    return tuple(sorted(named, key=lambda entity: (entity.start, entity.end)))


def _entity(text: str, kind: str, value: str, start: int, end: int) -> Entity:
    return Entity(type=kind, value=value, text=text[start:end], start=start, end=end)


def _time(text: str, part: FoundTime) -> Entity:
    return Entity(
        type="time_range",
        value=text[part.start : part.end],
        text=text[part.start : part.end],
        start=part.start,
        end=part.end,
        range=TimeRange(start=part.window.start, end=part.window.end),
    )
