"""Metrics and percentiles in text."""

from __future__ import annotations

import re

from actors.nlp.entities.found import FoundMetric, FoundPercentile
from schemas.plans import Metric

# Alternatives are plain words with one bounded gap between them: nothing here can backtrack far.
_GAP = r"[ _-]{1,2}"
_STRONG: dict[Metric, tuple[str, ...]] = {
    "error_rate": (
        "error rates?", "error ratios?", "error percentage", "failure rates?", "failure ratio", "error count",
        "how many errors", "number of errors", "rate of errors", "rate of failures?", "percentage of errors",
        "failed requests", "failing requests", "how many failures",
        "how many requests (?:failed|fail|are failing)",
        "how many (?:failed|failing) requests", "5xx rate", "5xx errors", "5xx responses", "errors? per second",
        "share of failed requests", "percentage of failed requests",
    ),
    "latency": (
        "tail latency", "latency", "latencies", "response times?", "request durations?", "request times?",
        "how slow", "how fast", "how long do requests take", "how long does it take to respond",
    ),
    "request_rate": (
        "request rates?", "throughput", "rps", "qps", "tps", "req/s", "reqs/s", "requests/s", "requests/sec",
        "requests/second", "requests? per (?:second|sec|minute|hour)", "requests? a second", "calls per second",
        "queries per second", "transactions per second", "how many requests", "number of requests",
        "request count",
        "traffic volume", "how busy", "how much traffic", "how much load", "request volume",
    ),
}  # fmt: skip
_WEAK: dict[Metric, tuple[str, ...]] = {
    "error_rate": ("errors?", "failures", "5xx", "failing", "erroring"),
    "latency": ("slow", "slowness", "sluggish", "slower", "duration", "durations"),
    "request_rate": ("traffic", "busy", "load"),
}


def _pattern(table: dict[Metric, tuple[str, ...]]) -> re.Pattern[str]:
    groups = (
        f"(?P<{metric}>{'|'.join(sorted(phrases, key=len, reverse=True)).replace(' ', _GAP)})"
        for metric, phrases in table.items()
    )
    return re.compile(rf"(?<![\w/.-])(?:{'|'.join(groups)})(?![\w/])", re.IGNORECASE)


_STRONG_PATTERN = _pattern(_STRONG)
_WEAK_PATTERN = _pattern(_WEAK)
_NAMES: dict[str, Metric] = {metric: metric for metric in _STRONG}
_PERCENTILE = re.compile(
    r"(?<![\w/.-])(?:t?p(?P<short>[0-9]{2,4}(?:\.[0-9]{1,2})?)"
    r"|(?P<long>[0-9]{1,2}(?:\.[0-9]{1,3})?)(?:st|nd|rd|th)?[ -]?(?:%[ -]?ile|percentile)"
    r"|percentile[ ](?P<after>[0-9]{1,2}(?:\.[0-9]{1,3})?)"
    r"|(?P<median>median))(?![\w/])",
    re.IGNORECASE,
)


def find_metrics(text: str) -> tuple[FoundMetric, ...]:
    """Strong words; weak ones only where there are no strong ones."""
    return _found(_STRONG_PATTERN, text, strong=True) or _found(_WEAK_PATTERN, text, strong=False)


def _found(pattern: re.Pattern[str], text: str, *, strong: bool) -> tuple[FoundMetric, ...]:
    return tuple(
        FoundMetric(match.start(), match.end(), _NAMES[match.lastgroup or ""], strong)
        for match in pattern.finditer(text)
    )


def find_percentiles(text: str) -> tuple[FoundPercentile, ...]:
    found: list[FoundPercentile] = []
    for match in _PERCENTILE.finditer(text):
        value = _ratio(match)
        if 0 < value < 1:
            found.append(FoundPercentile(match.start(), match.end(), f"{value:g}", value))
    return tuple(found)


def _ratio(match: re.Match[str]) -> float:
    """ "p99" is 0.99, "p99.9" and "p999" are 0.999."""
    if match["median"]:
        return 0.5
    digits = match["short"] or match["long"] or match["after"]
    if match["short"] and "." not in digits:
        return float(f"0.{digits}")
    return round(float(digits) / 100, 6)
