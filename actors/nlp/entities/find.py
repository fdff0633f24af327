"""Finding everything in one text. Pure: the same text, calendar and catalogue give the same findings.

The order decides what a piece of the text is when two rules could take it: each rule takes its findings off the
board, and the next ones look at what is left. What is told by its form comes first, what needs the words around it
last.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.nlp.entities.codes import find_status_codes, find_versions
from actors.nlp.entities.comparisons import Comparing
from actors.nlp.entities.found import Found, FoundAggregation, FoundMetric, FoundQuantity, FoundService, Named
from actors.nlp.entities.levels import find_log_levels, find_severities
from actors.nlp.entities.literals import Literals
from actors.nlp.entities.mentions import find_mentions
from actors.nlp.entities.metrics import find_aggregations, find_metrics, find_percentiles
from actors.nlp.entities.patterns import find_patterns
from actors.nlp.entities.people import find_people
from actors.nlp.entities.quantities import find_quantities
from actors.nlp.entities.reading import Reading
from actors.nlp.entities.services import find_services, index_of, known_words
from actors.nlp.entities.terms import find_environments, find_languages
from actors.nlp.entities.thresholds import find_thresholds
from actors.nlp.entities.workflows import find_workflows
from actors.nlp.times import Calendar, FoundTime, find_times
from schemas.adapters import Catalogue

EVERYTHING = frozenset(
    {"all", "overall", "every", "everything", "everywhere", "across", "total", "altogether", "together", "each"}
    | {"platform", "system", "entire", "whole"}
)


def find(text: str, calendar: Calendar, catalogue: Catalogue) -> Found:
    reading = Reading(text, known_words(catalogue.services))
    patterns = find_patterns(reading)
    literals = Literals(reading)
    percentiles = find_percentiles(reading)
    comparing = Comparing(reading, calendar, _times(reading, calendar))
    versions = find_versions(reading)
    severities = find_severities(reading)
    thresholds = find_thresholds(reading)
    status_codes = find_status_codes(reading)
    log_levels = find_log_levels(reading)
    workflows = find_workflows(reading)
    metrics, aggregations = _measured(reading, status_codes, literals.metrics)
    environments = find_environments(reading)
    languages = find_languages(reading)
    people = find_people(reading)
    asked = (metrics, percentiles, aggregations, severities, status_codes, log_levels, versions, patterns)
    services, quantities = _services(reading, catalogue, asked, versions)
    return Found(
        words=reading.words,
        services=services,
        metrics=metrics,
        percentiles=percentiles,
        aggregations=aggregations,
        times=tuple(time for time in comparing.times if not time.ahead),
        horizons=tuple(time for time in comparing.times if time.ahead),
        comparisons=tuple(comparing.found),
        thresholds=thresholds,
        quantities=quantities,
        environments=environments,
        status_codes=status_codes,
        severities=severities,
        log_levels=log_levels,
        versions=versions,
        workflows=workflows,
        languages=languages,
        people=people,
        patterns=patterns,
        everything=not EVERYTHING.isdisjoint(reading.words),
        **literals.found(),
    )


def _services(
    reading: Reading,
    catalogue: Catalogue,
    asked: tuple[tuple[Named, ...], ...],
    versions: tuple[Named, ...],
) -> tuple[tuple[FoundService, ...], tuple[FoundQuantity, ...]]:
    """`asked` is what can be asked of a service, metrics first."""
    index = index_of(catalogue.services)
    known = find_services(reading, index)
    quantities = find_quantities(reading)
    measured, marked = _spans(asked[0]), _spans(part for parts in asked for part in parts)
    changing = bool(quantities or versions)
    named = tuple(_spans(known))
    mentions = find_mentions(reading, index, measured, marked, named, changing=changing)
    unknown = (part for part in mentions if all(part.end <= start or part.start >= end for start, end in named))
    return tuple(sorted((*known, *unknown), key=lambda part: part.start)), quantities


def _measured(
    reading: Reading, codes: tuple[Named, ...], own: list[FoundMetric]
) -> tuple[tuple[FoundMetric, ...], tuple[FoundAggregation, ...]]:
    worded = find_metrics(reading, frozenset(code.end for code in codes))
    metrics = tuple(sorted((*own, *worded), key=lambda metric: metric.start))
    return metrics, find_aggregations(reading, metrics)


def _times(reading: Reading, calendar: Calendar) -> tuple[FoundTime, ...]:
    found = find_times(reading.text, calendar, reading.s.tokens)
    free = tuple(time for time in found if reading.board.free(time.start, time.end))
    for time in free:
        reading.board.take(time.start, time.end)
    return free


def _spans(found: Iterable[Named]) -> tuple[tuple[int, int], ...]:
    return tuple((part.start, part.end) for part in found)
