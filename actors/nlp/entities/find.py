"""Finding everything in one text. Pure: the same text, calendar and catalogue give the same findings."""

from __future__ import annotations

from collections.abc import Iterable

from actors.nlp.entities.found import Found, FoundService, Named
from actors.nlp.entities.mentions import Mention, find_mentions
from actors.nlp.entities.metrics import find_metrics, find_percentiles
from actors.nlp.entities.services import base_name, find_services, index_of
from actors.nlp.times import Calendar, FoundTime, find_times
from actors.nlp.tokens import tokenize
from schemas.adapters import Catalogue

EVERYTHING = frozenset(
    {"all", "overall", "every", "everything", "everywhere", "across", "total", "altogether", "together", "each"}
    | {"platform", "system", "entire", "whole"}
)


def find(text: str, calendar: Calendar, catalogue: Catalogue) -> Found:
    tokens = tokenize(text)
    index = index_of(catalogue.services)
    metrics, percentiles = find_metrics(text), find_percentiles(text)
    measured = _spans(metrics) + _spans(percentiles)
    named = tuple(found for found in find_services(text, tokens, index) if _free(found, measured))
    times = tuple(found for found in find_times(text, calendar, tokens) if _free(found, _spans(named)))
    taken = measured + _spans(named) + _spans(times)
    words = tuple(token.text for token in tokens if token.kind in ("word", "number"))
    mentions = (_unknown(mention) for mention in find_mentions(text, tokens, index, taken))
    return Found(
        words=words,
        services=tuple(sorted((*named, *mentions), key=lambda part: part.start)),
        metrics=metrics,
        percentiles=percentiles,
        times=tuple(time for time in times if not time.ahead),
        horizons=tuple(time for time in times if time.ahead),
        everything=not EVERYTHING.isdisjoint(words),
    )


def _unknown(mention: Mention) -> FoundService:
    return FoundService(mention.start, mention.end, base_name(mention.name), (), mention.name)


def _spans(found: Iterable[Named | FoundTime]) -> tuple[tuple[int, int], ...]:
    return tuple((part.start, part.end) for part in found)


def _free(part: Named | FoundTime, taken: tuple[tuple[int, int], ...]) -> bool:
    return all(part.end <= start or part.start >= end for start, end in taken)
