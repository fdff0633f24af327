"""A query in the backend's own language, as somebody wrote it: parsed, bounded, run."""

from __future__ import annotations

import math
from datetime import timedelta

from actors.adapters.observatory.evidence import MODULE, evidence, shown
from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.promql import Query
from actors.adapters.observatory.readings import Reading
from actors.adapters.port import Answer, require
from schemas.adapters import Degraded, EvidenceRange, RawAnswer, RawQuery
from schemas.errors import NotThereYet
from schemas.plans import TimeRange

NAME = "query"
USUAL_POINTS = 240
FINEST_STEP_SECONDS = 15.0


async def run(backend: MetricsBackend, asked: RawQuery) -> Answer[RawAnswer]:
    """Over `range` with `step_seconds` when there is a range, else at the instant `at`.

    Raises InvalidInput for what does not parse or passes the limits, NotThereYet for another language.
    """
    if asked.language != backend.language:
        raise NotThereYet(f"the backend {backend.name} speaks {backend.language}, not {asked.language}")
    query = Query(asked.query)
    if asked.range is None:
        return await _at_an_instant(backend, query, asked)
    step = asked.step_seconds or usual_step(asked.range)
    return await _over_a_range(backend, query, asked.range, step)


def usual_step(over: TimeRange) -> float:
    """Whole seconds that give some 240 points, at least 15."""
    return max(FINEST_STEP_SECONDS, math.ceil(over.seconds / USUAL_POINTS))


async def _at_an_instant(backend: MetricsBackend, query: Query, asked: RawQuery) -> Answer[RawAnswer]:
    require(backend, "instant")
    reading = await backend.instant(query, asked.at)
    start = asked.at - timedelta(seconds=query.lookback_seconds)
    return _answer(backend, query, EvidenceRange(start=start, end=asked.at), reading)


async def _over_a_range(backend: MetricsBackend, query: Query, over: TimeRange, step: float) -> Answer[RawAnswer]:
    require(backend, "range")
    reading = await backend.range(query, over, step)
    looked_at = EvidenceRange(start=over.start, end=over.end, step_seconds=step)
    return _answer(backend, query, looked_at, reading)


def _answer(backend: MetricsBackend, query: Query, over: EvidenceRange, reading: Reading) -> Answer[RawAnswer]:
    told = shown(NAME, None, reading)
    item = evidence(backend.name, backend.language, query.text, over, told.result)
    return Answer(RawAnswer(), (item,), told.degraded + _not_finite(reading.not_finite))


def _not_finite(count: int) -> tuple[Degraded, ...]:
    reason = f"{count:,} of the values are not finite (NaN or infinite) and given as null"
    return (Degraded(part=f"{MODULE}.{NAME}", reason=reason),) if count else ()
