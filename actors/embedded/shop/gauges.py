"""What a service's levels are at given times: memory, pool, queue, replicas, version."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop.conditions import memory_share
from actors.embedded.shop.scenario import SECOND, ServiceSpec
from actors.embedded.shop.spans import Column
from actors.embedded.shop.timeline import Life, Timeline, Times

MIB = 2**20
PAGE = 4096
REQUEST_MEMORY = 0.2 * MIB
"""What one request in flight keeps."""

IDLE_CONNECTIONS = 1
"""Connections per replica that health checks and housekeeping hold."""


@dataclass(frozen=True, slots=True)
class Gauges:
    """One value per time. Memory is that of the fullest replica; pool and queue are those of all together."""

    memory_bytes: list[int]
    memory_limit_bytes: list[int]
    cpu_limit_cores: list[float]
    idle_cpu_us: list[int]
    pool_in_use: list[int]
    pool_max: list[int]
    queued: list[int]
    replicas: list[int]
    restarts: list[int]
    versions: list[dict[str, float]]
    """The share of the requests by version."""
    deployed_at: list[float]
    started_at: list[float]


def gauges(
    service: str, spec: ServiceSpec, line: Timeline, in_flight: Column, times: Times, origin: int
) -> Gauges:
    """`in_flight` is the number of requests the service handles at each of `times`; CPU counts from `origin`."""
    lives = line.at_each(times)
    replicas = np.array([life.replicas for life in lives], np.int64)
    held = np.ceil(in_flight * spec.pool_share).astype(np.int64) if spec.pool else in_flight
    slots = replicas * (spec.pool or spec.workers)
    holding = np.minimum(held + IDLE_CONNECTIONS * replicas, slots)
    return Gauges(
        memory_bytes=_memory(service, spec, line, in_flight / replicas, times),
        memory_limit_bytes=[spec.memory_limit_mib * MIB] * len(times),
        cpu_limit_cores=(replicas * spec.cpu_limit).tolist(),
        idle_cpu_us=np.floor((times - origin) * spec.idle_cores).astype(np.int64).tolist(),
        pool_in_use=holding.tolist(),
        pool_max=slots.tolist(),
        queued=np.maximum(held - slots, 0).tolist(),
        replicas=replicas.tolist(),
        restarts=[life.restarts for life in lives],
        versions=[_shares(life) for life in lives],
        deployed_at=[life.deployed_at / SECOND for life in lives],
        started_at=[life.started_at / SECOND for life in lives],
    )


def _shares(life: Life) -> dict[str, float]:
    if life.canary is None or life.canary.version == life.version:
        return {life.version: 1.0}
    return {life.version: 1.0 - life.canary.share, life.canary.version: life.canary.share}


def _memory(
    service: str, spec: ServiceSpec, line: Timeline, per_replica: NDArray[np.float64], times: Times
) -> list[int]:
    """Bytes, in whole pages and never above the limit: what a fresh process needs, its ripple, and what leaked."""
    base, limit = spec.memory_mib * MIB, spec.memory_limit_mib * MIB
    phase = zlib.crc32(service.encode()) % 1000
    seconds = times / SECOND
    ripple = 0.012 * np.sin(2 * math.pi * (seconds / 2220 + phase / 1000))
    ripple += 0.006 * np.sin(2 * math.pi * (seconds / 660 + phase / 313))
    level = base * (1 + ripple) + per_replica * REQUEST_MEMORY
    level += memory_share(line, times) * (limit - base)
    return (np.minimum(level, limit) // PAGE * PAGE).astype(np.int64).tolist()
