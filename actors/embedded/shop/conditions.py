"""How each service does at each moment of a chunk: what its work takes and how often it fails.

Piecewise constant: each stretch has the state that its own beginning has, so nothing looks ahead, and an
event only splits the stretch it falls into.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop.scenario import (
    DAY,
    OVERLOADED,
    SECOND,
    STATUSES,
    Condition,
    Effect,
    Scenario,
)
from actors.embedded.shop.timeline import Timeline, Times
from actors.embedded.shop.topology import Topology

Floats = NDArray[np.float64]

_NO_EFFECT = Effect()

STRETCH = 15 * SECOND
LEAST_PRESSURE = 0.85
"""Share of the memory limit from which a process slows down."""


@dataclass(frozen=True, slots=True)
class State:
    """One service over the stretches of a chunk, columns per stretch. Where there is a canary, its columns follow
    those of the version beside it: what holds for it in a stretch stands one `len(share)` further on."""

    median_us: Floats
    cpu_us: Floats
    failing: Mapping[int, Floats]
    """Probability by status, only of those that can occur."""
    share: Floats
    """Of the requests that the canary handles, per stretch; 0 where there is none."""


@dataclass(frozen=True, slots=True)
class Conditions:
    edges: Times
    """Where each stretch begins, microseconds since the Unix epoch."""
    of: Mapping[str, State]


def load_factor(traffic_hours: list[float], times: Times) -> Floats:
    """Load relative to the daily mean at each time."""
    hours = (times % DAY) / (3600 * SECOND)
    return np.interp(hours, np.arange(25), [*traffic_hours, traffic_hours[0]])


def memory_share(line: Timeline, times: Times) -> Floats:
    """Leaked memory as a share of the room between a fresh process and its limit, 0 to 1."""
    lives = line.at_each(times)
    spans = [
        (time - life.started_at) / (life.killed_at - life.started_at) if life.killed_at is not None else 0.0
        for time, life in zip(times.tolist(), lives, strict=True)
    ]
    return np.clip(np.array(spans, np.float64), 0.0, 1.0)


def conditions(
    scenario: Scenario, topology: Topology, lines: Mapping[str, Timeline], start: int, end: int
) -> Conditions:
    """Conditions from `start` to `end`, microseconds since the Unix epoch."""
    events = [life.at for line in lines.values() for life in line.between(start, end)]
    edges = np.unique(np.concatenate([np.arange(start, end, STRETCH), np.array(events, np.int64)]))
    load = load_factor(scenario.traffic.hours, edges)
    found: dict[str, State] = {}
    for service in scenario.services:
        found[service] = _Service(scenario, service, lines[service], edges).state(
            load * topology.mean_rps[service]
        )
    return Conditions(edges, found)


class _Service:
    """Gathers what acts upon one service."""

    def __init__(self, scenario: Scenario, service: str, line: Timeline, edges: Times) -> None:
        self._scenario = scenario
        self._service = service
        self._spec = scenario.services[service]
        self._line = line
        self._edges = edges
        self._lives = line.at_each(edges)
        self._daily = [each for each in scenario.conditions if each.service == service]

    def state(self, rps: Floats) -> State:
        share = np.array([life.canary.share if life.canary else 0.0 for life in self._lives])
        stable = self._of([life.version for life in self._lives], rps, share)
        if not share.any():
            return stable
        versions = [life.canary.version if life.canary else life.version for life in self._lives]
        canary = self._of(versions, rps, share)
        nothing = np.zeros(len(share))
        both = {
            status: np.concatenate([one.failing.get(status, nothing) for one in (stable, canary)])
            for status in {**stable.failing, **canary.failing}
        }
        return State(
            median_us=np.concatenate([stable.median_us, canary.median_us]),
            cpu_us=np.concatenate([stable.cpu_us, canary.cpu_us]),
            failing=both,
            share=share,
        )

    def _of(self, versions: Sequence[str], rps: Floats, share: Floats) -> State:
        """How the service does where it runs these versions."""
        effects = [self._spec.versions.get(version, _NO_EFFECT) for version in versions]
        replicas = np.array([life.replicas for life in self._lives], np.float64)
        utilisation = rps / (replicas * self._spec.rps_per_replica)
        latency = _queueing(utilisation) * self._start_factor() * self._pressure()
        latency *= np.array([effect.latency for effect in effects])
        cpu = np.array([effect.cpu for effect in effects])
        for condition in self._daily:
            strength = _strength(condition, self._edges)
            # Between its ends a ramp is geometric: half-way up, a factor of 9 is a factor of 3.
            latency *= condition.latency**strength
            cpu *= condition.cpu**strength
        return State(
            median_us=latency * (self._spec.latency_ms * 1000),
            cpu_us=cpu * (self._spec.cpu_ms * 1000),
            failing=self._failing(effects, utilisation, replicas),
            share=share,
        )

    def _failing(self, effects: Sequence[Effect], utilisation: Floats, replicas: Floats) -> dict[int, Floats]:
        found = {status: np.full(len(self._edges), chance) for status, chance in self._spec.status.items()}
        for status in STATUSES:
            extra = np.array([effect.status.get(status, 0.0) for effect in effects])
            for condition in self._daily:
                extra += condition.status.get(status, 0.0) * _strength(condition, self._edges)
            if status == OVERLOADED and not self._spec.external:
                # What comes in beyond the capacity cannot be served.
                extra += np.clip(1.0 - 1.0 / np.maximum(utilisation, 1.0), 0.0, 1.0)
                extra += self._outage() / replicas
            if extra.any():
                found[status] = found.get(status, 0.0) + extra
        return found

    def _since_start(self) -> Floats:
        started = np.array([life.started_at for life in self._lives], np.int64)
        return (self._edges - started) / SECOND

    def _start_factor(self) -> Floats:
        start = self._scenario.start
        since = self._since_start()
        return np.where((since >= 0) & (since < start.warmup_s), start.latency, 1.0)

    def _pressure(self) -> Floats:
        leak = self._scenario.leak_of(self._service)
        if leak is None:
            return np.ones(len(self._edges))
        fresh = self._spec.memory_mib / self._spec.memory_limit_mib
        used = fresh + (1.0 - fresh) * memory_share(self._line, self._edges)
        over = np.clip((used - LEAST_PRESSURE) / (1.0 - LEAST_PRESSURE), 0.0, 1.0)
        return 1.0 + (leak.latency_at_limit - 1.0) * over**2

    def _outage(self) -> Floats:
        """1 while a killed process is being replaced."""
        leak = self._scenario.leak_of(self._service)
        if leak is None:
            return np.zeros(len(self._edges))
        killed = np.array([life.event == "oom_kill" for life in self._lives])
        since = (self._edges - np.array([life.at for life in self._lives], np.int64)) / SECOND
        return (killed & (since < leak.outage_s)).astype(np.float64)


def _queueing(utilisation: Floats) -> Floats:
    """Waiting grows with utilisation u as 1 / (1 - u^4), an M/M/c queue's shape; 1.0 at none, 20 at most."""
    return np.minimum(1.0 / (1.0 - np.minimum(utilisation, 0.99) ** 4), 20.0)


def _strength(condition: Condition, times: Times) -> Floats:
    """How much of `condition` holds at each time, 0 to 1."""
    ramp = condition.ramp_s * SECOND
    clock = times % DAY
    rising = (clock - condition.start) / ramp
    falling = (condition.end - clock) / ramp
    return np.clip(np.minimum(rising, falling), 0.0, 1.0)
