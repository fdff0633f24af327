"""What a plan's aggregation, percentile and "per minute" make of a source; the result's name and unit."""

from __future__ import annotations

from actors.adapters.observatory.formula import DEFAULT_PERCENTILE, Formula
from actors.adapters.observatory.sources import Source
from schemas.plans import Aggregation

HOUR, DAY = 3_600, 86_400
_TIMES = {1.0: "second", 60.0: "minute", 3_600.0: "hour", 86_400.0: "day"}
_RATES_ALREADY = ("cores", "ratio")
"""Seconds of a processor per second are processors in use, per minute as well."""
_NAMES = {"error_rate": "error_ratio"}
_TOTALS = {"request_rate": "total_requests", "error_rate": "failed_requests"}
_TOTAL_UNITS = {"error_rate": "requests"}
_AGGREGATED = {"max": "highest", "min": "lowest", "avg": "average", "sum": "total", "count": "number of series of"}


def formula_of(
    source: Source,
    aggregation: Aggregation | None = None,
    percentile: float | None = None,
    per_seconds: float | None = None,
    window_seconds: int = HOUR,
) -> Formula:
    """`window_seconds` decides whether an average of what adds up is told per hour or per day."""
    signal = source.signal
    peak = aggregation if aggregation in ("max", "min") else None
    if signal.kind == "histogram":
        return _of_histogram(source, aggregation, percentile)
    if signal.kind == "gauge":
        return _of_gauge(source, aggregation)
    if signal.of or (signal.share and aggregation not in ("sum", "count")):
        return Formula(source, "ratio" if signal.of else "share", peak=peak)
    return _of_counter(source, aggregation, per_seconds, window_seconds)


def _of_counter(
    source: Source, aggregation: Aggregation | None, per_seconds: float | None, window_seconds: int
) -> Formula:
    signal = source.signal
    peak = aggregation if aggregation in ("max", "min") else None
    if signal.kind == "changes" or (aggregation in ("sum", "count") and per_seconds is None):
        return Formula(source, "total", peak=peak)
    if signal.concept.total and per_seconds is None:
        if aggregation == "avg":
            return Formula(source, "rate", per_seconds=HOUR if window_seconds < 2 * DAY else DAY)
        return Formula(source, "total", peak=peak)
    told_per = 1.0 if per_seconds is None or signal.unit in _RATES_ALREADY else per_seconds
    return Formula(source, "rate", per_seconds=told_per, peak=peak)


def _of_histogram(source: Source, aggregation: Aggregation | None, percentile: float | None) -> Formula:
    if aggregation == "count":
        return Formula(source, "observations")
    if aggregation == "sum":
        return Formula(source, "spent")
    if aggregation == "avg" and percentile is None:
        return Formula(source, "mean")
    peak = aggregation if aggregation in ("max", "min") else None
    return Formula(source, "quantile", percentile or DEFAULT_PERCENTILE, peak=peak)


def _of_gauge(source: Source, aggregation: Aggregation | None) -> Formula:
    signal = source.signal
    if aggregation == "count" and signal.concept.name == signal.metric.metric:
        return Formula(source, "series")
    if aggregation == "count":  # "how many replicas" is how many they are, not how many series tell of them
        aggregation = None
    composed = bool(signal.of or signal.less or signal.complement)
    if composed:
        peak = aggregation if aggregation in ("max", "min") else None
        return Formula(source, "ratio" if signal.of else "level", peak=peak)
    return Formula(source, "level", level=aggregation)


# --- names -----------------------------------------------------------------------------------------


def unit_of(formula: Formula) -> str:
    unit = formula.source.signal.unit
    if formula.mode in ("share", "ratio"):
        return "ratio"
    if formula.mode == "series":
        return "series"
    if formula.mode == "observations":
        return "count"
    if formula.mode == "total":
        return _TOTAL_UNITS.get(formula.source.signal.concept.name, unit)
    if formula.mode != "rate" or unit in _RATES_ALREADY:
        return unit
    per = _TIMES.get(formula.per_seconds, f"{formula.per_seconds:g}_seconds")
    return f"{unit}_per_{per}"


def name_of(formula: Formula) -> str:
    """As the evidence names it: `latency_p95`, `error_ratio`, `memory_max`."""
    concept = formula.source.signal.concept.name
    if formula.mode == "quantile":
        name = f"{concept}_p{round((formula.percentile or DEFAULT_PERCENTILE) * 100, 6):g}"
    elif formula.mode in ("mean", "observations", "spent", "series"):
        name = f"{concept}_{formula.mode}"
    elif formula.mode == "total":
        name = _TOTALS.get(concept, concept)
    else:
        name = _NAMES.get(concept, concept)
    aggregated = formula.peak or formula.level
    return f"{name}_{aggregated}" if aggregated else name


def words_of(formula: Formula) -> str:
    """ "p95 latency", "highest memory use", "failed requests"."""
    concept = formula.source.signal.concept
    if formula.mode == "quantile":
        words = f"p{round((formula.percentile or DEFAULT_PERCENTILE) * 100, 6):g} {concept.words}"
    elif formula.mode == "mean":
        words = f"mean {concept.words}"
    elif formula.mode == "observations":
        words = f"number of measurements of the {concept.words}"
    elif formula.mode == "spent":
        words = f"total {concept.words}"
    elif formula.mode == "series":
        words = f"number of series of the {concept.words}"
    elif formula.mode == "total":
        words = _TOTALS.get(concept.name, concept.words).replace("_", " ")
    else:
        words = concept.words
    aggregated = formula.peak or formula.level
    return f"{_AGGREGATED[aggregated]} {words}" if aggregated else words


# --- an explanation --------------------------------------------------------------------------------


def explained(formula: Formula) -> str:
    """What the expression computes, with the metrics it does so from."""
    signal, source = formula.source.signal, formula.source
    words = _computed(formula, signal.metric.metric)
    if signal.of:
        words += f", divided by {' + '.join(one.metric for one in signal.of)}"
    if signal.less:
        words += f", less {signal.less.metric}"
    if signal.complement:
        words = f"one less {words}"
    if formula.peak:
        words = f"the {_AGGREGATED[formula.peak]} value of any step, of {words}"
    if formula.source.join is not None:
        words += f", while {formula.source.join.info.metric} shows it"
    scale = f", times {signal.scale:g}" if signal.scale != 1 else ""
    by = f", by {' and '.join(role.replace('_', ' ') for role, _ in source.by)}" if source.by else ""
    return f"{words}{scale}{by}"


def _computed(formula: Formula, metric: str) -> str:
    signal, status = formula.source.signal, formula.source.status
    if formula.mode == "share":
        what = f"status {status.value}" if status else f"status {signal.failed}" if signal.failed else "that part"
        return f"the share of {metric} with {what}"
    if formula.mode == "quantile":
        return f"the {formula.percentile:g} quantile from the buckets of {metric}"
    if formula.mode == "rate":
        per = _TIMES.get(formula.per_seconds, f"{formula.per_seconds:g} s")
        return f"the rate of {metric} per {per}"
    if formula.mode == "level":
        return _level_words(formula, metric)
    along = {
        "ratio": metric,
        "total": f"the changes of {metric}" if signal.kind == "changes" else f"the increase of {metric}",
        "mean": f"the sum of {metric} divided by its count",
        "observations": f"the number of values that {metric} has counted",
        "spent": f"the sum of the values that {metric} has counted",
        "series": f"the number of series of {metric}",
    }
    return along[formula.mode]


def _level_words(formula: Formula, metric: str) -> str:
    over = {"sum": "added up", "avg": "averaged", "max": "the highest", "min": "the lowest", "count": "counted"}
    in_time = formula.level if formula.level in ("max", "min") else "avg"
    series = formula.level or formula.source.signal.over
    return f"{metric}, {over[in_time]} over time and {over[series]} over its series"
