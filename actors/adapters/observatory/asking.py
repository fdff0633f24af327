"""Asking a backend several questions at once, and finding a value in what came back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from actors.adapters.observatory.evidence import evidence, shown
from actors.adapters.observatory.forms import meant
from actors.adapters.observatory.port import MetricsBackend
from actors.adapters.observatory.questions import Question
from actors.adapters.observatory.readings import Reading, Sample
from actors.adapters.port import require
from schemas.adapters import Degraded, Evidence, EvidenceRange
from schemas.plans import TimeRange


@dataclass(frozen=True, slots=True)
class Ask:
    """A question about a time: at the end of `over`, or, with a step, at each step from its start to its end."""

    question: Question
    over: TimeRange
    step_seconds: int | None = None
    looked_at: TimeRange | None = None
    """What the answer holds for, where that is more than the instants that are asked about."""


@dataclass(frozen=True, slots=True)
class Found:
    """One question's answer. The first label of `question.by` is the service's, where it is grouped."""

    question: Question
    reading: Reading
    evidence: Evidence
    degraded: tuple[Degraded, ...]

    def samples(self, service: str | None = None) -> tuple[Sample, ...]:
        if service is None:
            return self.reading.samples
        label = self.question.by[0]
        return tuple(
            sample
            for sample in self.reading.samples
            if meant("service", label, service, (sample.labels.get(label, ""),))
        )

    def value(self, service: str | None = None) -> float | None:
        """None where there is no data."""
        return next((sample.value for sample in self.samples(service)), None)

    def services(self) -> set[str]:
        found = (sample.labels.get(self.question.by[0]) for sample in self.reading.samples)
        return {service for service in found if service}


async def ask(backend: MetricsBackend, questions: Sequence[Question], over: TimeRange) -> tuple[Found, ...]:
    """All of them in parallel, evaluated at the end of the range. The first failure ends the others."""
    return await ask_all(backend, [Ask(question, over) for question in questions])


async def ask_all(backend: MetricsBackend, asks: Sequence[Ask]) -> tuple[Found, ...]:
    """All of them in parallel, each about its own time. The first failure ends the others."""
    require(backend, "instant")
    if any(one.step_seconds for one in asks):
        require(backend, "range")
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_reading(backend, one)) for one in asks]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return tuple(_found(backend, one, task.result()) for one, task in zip(asks, tasks, strict=True))


async def _reading(backend: MetricsBackend, asked: Ask) -> Reading:
    if asked.step_seconds is None:
        return await backend.instant(asked.question.query, asked.over.end)
    return await backend.range(asked.question.query, asked.over, asked.step_seconds)


def all_evidence(found: Iterable[Found]) -> tuple[Evidence, ...]:
    return tuple(one.evidence for one in found)


def all_degraded(found: Iterable[Found]) -> tuple[Degraded, ...]:
    return tuple(degraded for one in found for degraded in one.degraded)


def _found(backend: MetricsBackend, asked: Ask, reading: Reading) -> Found:
    question, over = asked.question, asked.looked_at or asked.over
    told = shown(question.name, question.unit, reading)
    looked_at = EvidenceRange(start=over.start, end=over.end, step_seconds=asked.step_seconds)
    item = evidence(backend.name, backend.language, question.query.text, looked_at, told.result)
    return Found(question, reading, item, told.degraded)
