"""A metric by its own name: what it is and in which unit, from the backend's metadata or from the name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping

from actors.adapters.observatory.conventions import Concept, Kind, Signal
from actors.adapters.observatory.promql import Selector

_KINDS: dict[str, Kind] = {"counter": "counter", "gauge": "gauge", "histogram": "histogram", "info": "gauge"}
_UNITS: dict[str, tuple[str, float]] = {
    "seconds": ("seconds", 1.0),
    "milliseconds": ("seconds", 0.001),
    "ms": ("seconds", 0.001),
    "microseconds": ("seconds", 0.000001),
    "bytes": ("bytes", 1.0),
    "ratio": ("ratio", 1.0),
    "percent": ("ratio", 0.01),
    "usd": ("usd", 1.0),
    "tokens": ("tokens", 1.0),
    "requests": ("requests", 1.0),
    "connections": ("connections", 1.0),
    "replicas": ("replicas", 1.0),
    "restarts": ("restarts", 1.0),
    "cores": ("cores", 1.0),
}
"""Last word of a name -> base unit, and the factor to it."""
MOST_NEAR = 3
_PAIRS = (("_count", "_sum"), ("_sum", "_count"))


def owned(
    name: str, there: Collection[str], types: Mapping[str, str], concept: Concept | None = None
) -> Signal | None:
    """The metric as a signal, of `concept` where that is what it is configured for; None where it is not there.

    A name without the suffix of its kind is taken for what is there: `x` for `x_total` or for a histogram.
    """
    found = _found(name, there, types)
    if found is None:
        return None
    kind, metric = found
    words = metric.removesuffix("_total").removesuffix("_count").removesuffix("_sum").removesuffix("_info")
    unit, scale = _UNITS.get(words.rpartition("_")[2], ("count", 1.0))
    if metric.endswith("_count") and kind == "counter":
        unit, scale = "count", 1.0
    if concept is not None and unit == "count":
        unit = concept.unit
    return Signal(
        concept=concept or Concept(metric, unit, metric),
        convention="configuration" if concept else "its own name",
        kind=kind,
        metric=Selector(metric),
        unit=unit,
        scale=scale,
    )


def near(name: str, there: Collection[str]) -> tuple[str, ...]:
    """Names of metrics that contain it or are much like it, best first."""
    containing = sorted((one for one in there if name.lower() in one.lower()), key=len)
    like = difflib.get_close_matches(name, there, n=MOST_NEAR, cutoff=0.6)
    return tuple(dict.fromkeys((*containing, *like)))[:MOST_NEAR]


def _found(name: str, there: Collection[str], types: Mapping[str, str]) -> tuple[Kind, str] | None:
    histogram = name.removesuffix("_bucket")
    if f"{histogram}_bucket" in there and name in {histogram, f"{histogram}_bucket"}:
        return "histogram", histogram
    if name in there:
        return _KINDS.get(types.get(name, ""), _by_suffix(name, there)), name
    if f"{name}_total" in there:
        return "counter", f"{name}_total"
    return None


def _by_suffix(name: str, there: Collection[str]) -> Kind:
    """Sum and count are counters where both are there; a lone `connection_count` is how many there are."""
    both = {f"{name.removesuffix(suffix)}{other}" for suffix, other in _PAIRS if name.endswith(suffix)}
    return "counter" if name.endswith("_total") or (both and both <= set(there)) else "gauge"
