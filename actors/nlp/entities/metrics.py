"""Metrics, percentiles and aggregations in text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from actors.nlp.amounts import number
from actors.nlp.entities.found import FoundAggregation, FoundMetric, FoundPercentile
from actors.nlp.entities.lexicon import Tag, tag_of
from actors.nlp.entities.reading import Reading
from actors.nlp.entities.tables import table, words
from actors.nlp.phrases import Phrases, listed
from actors.nlp.tokens import stands_alone


@dataclass(frozen=True, slots=True)
class _Meaning:
    metric: str
    stated: bool
    strong: bool


def _meanings() -> Iterator[tuple[str, _Meaning]]:
    weak = words("vocabulary", "weak")
    for section, stated in (("hints", False), ("metric", True), ("asked", True)):
        for metric, phrases in table("vocabulary")[section].items():
            for phrase in listed(str(phrases)):
                yield phrase, _Meaning(metric, stated, stated and phrase not in weak)
    for metric in table("vocabulary")["metric"]:
        yield metric, _Meaning(metric, stated=True, strong=True)


_METRICS: Phrases[_Meaning] = Phrases(_meanings())
_AGGREGATIONS: Phrases[tuple[str, str]] = Phrases(
    (phrase, (aggregation, phrase))
    for aggregation in ("avg", "max", "min", "sum", "count")
    for phrase in listed(str(table("vocabulary")["aggregation"][aggregation]))
)
_RANKING, _SUPERLATIVES = (
    words("vocabulary", "aggregation", "ranking"),
    words("vocabulary", "aggregation", "superlatives"),
)
_RESPONDING = frozenset({"respond", "responds", "answer", "answers", "take", "reply", "serve", "load", "return"})
_RATES = frozenset({"rate", "rates", "ratio", "percentage", "count", "share"})
_SCALES_REPLICAS = words("measures", "scaling", "verbs") - {
    "have",
    "has",
    "want",
    "need",
    "give",
    "go",
    "keep",
    "run",
}
_NEEDS_METRIC = frozenset(
    {"mean", "means", "peak", "max", "min", "total", "highest", "lowest", "worst", "count", "sum"}
)
_NEAR = 3

_PERCENTILE = re.compile(
    r"(?<![\w/.-])(?:t?p(?P<short>[0-9]{2,4}(?:\.[0-9]{1,2})?)"
    r"|(?P<long>[0-9]{1,2}(?:\.[0-9]{1,3})?)(?:st|nd|rd|th)?[ -]?(?:%[ -]?ile|(?:per)?centiles?|pctl|perc)"
    r"|percentile[ ](?P<after>[0-9]{1,2}(?:\.[0-9]{1,3})?)"
    r"|(?P<median>medians?))(?:['’]?s)?(?![\w/])",
    re.IGNORECASE,
)


# --- percentiles -------------------------------------------------------------------------------------


def find_percentiles(reading: Reading) -> tuple[FoundPercentile, ...]:
    found: list[FoundPercentile] = []
    for match in _PERCENTILE.finditer(reading.text):
        value = _ratio(match)
        end = match.start() + len(re.sub(r"['’]?s\Z", "", match[0]) if match["short"] else match[0])
        if 0 < value < 1 and reading.board.free(match.start(), end):
            reading.board.take(match.start(), end)
            found.append(FoundPercentile(match.start(), end, f"{value:g}", value))
    return tuple(found)


def _ratio(match: re.Match[str]) -> float:
    """ "p99" is 0.99, "p99.9" and "p999" are 0.999."""
    if match["median"]:
        return 0.5
    digits = match["short"] or match["long"] or match["after"]
    if match["short"] and "." not in digits:
        return float(f"0.{digits}")
    return round(float(digits) / 100, 6)


# --- metrics -----------------------------------------------------------------------------------------


def find_metrics(reading: Reading, status_ends: frozenset[int]) -> tuple[FoundMetric, ...]:
    """`status_ends` are where status codes end: "rate" after one is an error rate."""
    found: list[FoundMetric] = []
    at = 0
    while at < len(reading.s):
        here = _metric_at(reading, at, status_ends)
        if here is None:
            at += 1
            continue
        metric, after = here
        if reading.s.word(at - 1) == "in" and any(metric.value == other.value for other in found):
            metric = replace(metric, stated=False)  # the unit of what was named before: "in requests per minute"
        at = after
        if metric.stated:
            reading.board.take(metric.start, metric.end)
        found.append(metric)
    return tuple(found)


def _metric_at(reading: Reading, at: int, status_ends: frozenset[int]) -> tuple[FoundMetric, int] | None:
    if reading.s.word(at) in _RATES and reading.s[at - 1].end in status_ends:
        start, end = reading.span(at, at + 1)
        return FoundMetric(start, end, "error_rate", strong=True), at + 1
    here = _METRICS.at(reading.s, at)
    if here is None:
        return None
    meaning, after = here
    start, end = reading.span(at, after)
    if not reading.board.free(start, end) or not _alone(reading, at, after, start, end):
        return None
    if meaning.metric == "replicas" and (_is_order(reading, at) or _is_counted(reading, at)):
        reading.board.take(start, end)
        return None
    other = meaning.metric == "latency" and reading.s.word(at) == "how" and _is_pace(reading, after)
    stated = meaning.stated and not other
    return FoundMetric(start, end, meaning.metric, meaning.strong and stated, stated), after


def _is_pace(reading: Reading, after: int) -> bool:
    """ "how fast are we burning the budget", "how quickly does the disk fill": no latency."""
    ours = reading.s.word(after + 1) in ("we", "you", "i")
    return ours or (reading.s.word(after) in ("do", "does", "did", "can", "will") and not reading.has(_RESPONDING))


def _alone(reading: Reading, at: int, after: int, start: int, end: int) -> bool:
    """Not inside a name ("latency-exporter", "cost_center")."""
    if not stands_alone(reading.text, start, end):
        return False
    return not (reading.s[at].glued and reading.s.word(at - 1).isalnum())


def _is_order(reading: Reading, at: int) -> bool:
    """ "scale to 5 replicas" counts replicas, it does not measure them."""
    return any(
        reading.s.word(place) in _SCALES_REPLICAS for place in range(len(reading.s)) if abs(place - at) < 12
    )


def _is_counted(reading: Reading, at: int) -> bool:
    """ "three more replicas" """
    return any(number(reading.s, place) for place in (at - 1, at - 2) if reading.s.word(place))


# --- aggregations ------------------------------------------------------------------------------------


def find_aggregations(reading: Reading, metrics: tuple[FoundMetric, ...]) -> tuple[FoundAggregation, ...]:
    ranking = reading.has(_RANKING)
    measured = frozenset(metric.start for metric in metrics if metric.stated)
    found: list[FoundAggregation] = []
    at = 0
    while at < len(reading.s):
        here = _AGGREGATIONS.at(reading.s, at)
        if here is None:
            if reading.s.follows(at, "how", "many"):
                start, end = reading.span(at, at + 2)
                found.append(FoundAggregation(start, end, "count", stated=False))
            at += 1
            continue
        (value, phrase), after = here
        start, end = reading.span(at, after)
        free = reading.board.free(start, end) and stands_alone(reading.text, start, end)
        superlative = phrase in _SUPERLATIVES and ranking
        order = value == "count" and _is_order(reading, at)
        if free and not superlative and not order and _aggregates(reading, phrase, at, after, measured):
            reading.board.take(start, end)
            found.append(FoundAggregation(start, end, value))
        at = after
    return tuple(found)


def _aggregates(reading: Reading, phrase: str, at: int, after: int, measured: frozenset[int]) -> bool:
    """Words that mean something else as well need a metric beside them."""
    if phrase not in _NEEDS_METRIC:
        return True
    s = reading.s
    if phrase in ("mean", "means") and s.word(at - 1) in ("i", "you", "we", "it", "that", "to", "does", "not"):
        return False
    if any(s[place].start in measured for place in range(after, after + _NEAR) if s.word(place)):
        return True
    if phrase in ("total", "count", "sum") and tag_of(s.word(after)) & Tag.MEASURE:
        return True
    before = [s[place].start for place in range(max(0, at - _NEAR), at)]
    return phrase in ("max", "min", "peak", "count", "sum", "mean") and bool(measured.intersection(before))
