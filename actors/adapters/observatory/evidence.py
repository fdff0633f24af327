"""Readings as evidence: exact query, range, result; at most 256 KB, and what was cut is said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from actors.adapters.observatory.readings import Reading, Sample, Series
from schemas.adapters import Degraded, Evidence, EvidenceRange, EvidenceResult

MODULE = "observatory"
LARGEST_RESULT_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Shown:
    """A result that fits, and what had to be left out of it."""

    result: EvidenceResult
    degraded: tuple[Degraded, ...] = ()


def scalar(name: str, unit: str | None, value: float | None) -> EvidenceResult:
    """Of kind `none` where there is no value."""
    return EvidenceResult(kind="none" if value is None else "scalar", name=name, value=value, unit=unit)


def shown(name: str, unit: str | None, reading: Reading) -> Shown:
    """One value without labels is a scalar, other samples a table, series a series, nothing is none."""
    told = tuple(Degraded(part=f"{MODULE}.{name}", reason=warning) for warning in reading.warnings)
    if reading.kind == "matrix":
        shown_series = _cut(name, unit, "series", [_series(one) for one in reading.series])
        return Shown(shown_series.result, told + shown_series.degraded)
    if len(reading.samples) == 1 and not reading.samples[0].labels:
        return Shown(scalar(name, unit, reading.samples[0].value), told)
    table = _cut(name, unit, "table", [row(sample) for sample in reading.samples])
    return Shown(table.result, told + table.degraded)


def evidence(backend: str, language: str, query: str, over: EvidenceRange, result: EvidenceResult) -> Evidence:
    return Evidence(module=MODULE, backend=backend, language=language, query=query, range=over, result=result)


def row(sample: Sample) -> dict[str, Any]:
    """A label that is called `value` becomes `exported_value`, the way Prometheus renames on a clash."""
    labels = {"exported_value" if name == "value" else name: text for name, text in sample.labels.items()}
    return {**labels, "value": sample.value}


def _series(series: Series) -> dict[str, Any]:
    return {"labels": dict(series.labels), "points": [list(point) for point in series.points]}


def _cut(name: str, unit: str | None, kind: Literal["table", "series"], rows: list[dict[str, Any]]) -> Shown:
    if not rows:
        return Shown(scalar(name, unit, None))
    kept = rows[: _fitting(rows)]
    if kind == "series" and not kept:
        return _newest(name, unit, rows)
    result = EvidenceResult(kind=kind, name=name, value=kept, unit=unit)
    if len(kept) == len(rows):
        return Shown(result)
    what = "series" if kind == "series" else "rows"
    return Shown(result, _left_out(name, f"{len(kept):,} of {len(rows):,} {what}"))


def _newest(name: str, unit: str | None, rows: list[dict[str, Any]]) -> Shown:
    """The newest points of the first series, where that one alone is too large."""
    labels, points = rows[0]["labels"], rows[0]["points"]
    newest = points[len(points) - _fitting(points[::-1]) :]
    result = EvidenceResult(kind="series", name=name, value=[{"labels": labels, "points": newest}], unit=unit)
    return Shown(result, _left_out(name, f"the newest {len(newest):,} points of one of {len(rows):,} series"))


def _left_out(name: str, what: str) -> tuple[Degraded, ...]:
    return (Degraded(part=f"{MODULE}.{name}", reason=f"{what} are shown: a result has at most 256 KB"),)


def _fitting(rows: Sequence[Any]) -> int:
    """How many fit, from the first on."""
    size = 1_024  # the label set around points, and what encloses it all
    for count, one in enumerate(rows):
        size += len(json.dumps(one, ensure_ascii=False).encode()) + 2
        if size > LARGEST_RESULT_BYTES:
            return count
    return len(rows)
