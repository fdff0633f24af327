"""Which version runs, with how many replicas, since when: the life of a service as a step function of time.

Made from the scenario's daily releases, the actions taken, and the kills that a memory leak brings about.
An event changes nothing before its own time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop import ENVIRONMENT
from actors.embedded.shop.actions import Action, Kind
from actors.embedded.shop.scenario import DAY, SECOND, Leak, Release, Scenario, ServiceSpec

Times = NDArray[np.int64]

SCHEDULE = "schedule"
USER = "user"
KERNEL = "kernel"


@dataclass(frozen=True, slots=True)
class Canary:
    """A second version that gets a share of the requests, above 0 and below 1."""

    version: str
    share: float


@dataclass(frozen=True, slots=True)
class Life:
    """A service from `at` on, until the next one. Times in microseconds since the Unix epoch."""

    at: int
    event: str
    by: str
    versions: tuple[str, ...]
    replicas: int
    deployed_at: int
    started_at: int
    restarts: int
    killed_at: int | None
    """When the leak will have used up the memory, if nothing comes between."""
    canary: Canary | None = None

    @property
    def version(self) -> str:
        return self.versions[-1]

    def runs(self, version: str) -> bool:
        """For some or all requests."""
        return version == self.version or (self.canary is not None and version == self.canary.version)


class Timeline:
    """The lives of one service, oldest first; the first one begins before anything that is asked for."""

    def __init__(self, lives: Sequence[Life]) -> None:
        self.lives = tuple(lives)
        self._at = np.array([life.at for life in lives], np.int64)

    def at_each(self, times: Times) -> list[Life]:
        """For each time the life that holds then."""
        places: list[int] = np.maximum(np.searchsorted(self._at, times, "right") - 1, 0).tolist()
        return [self.lives[place] for place in places]

    def at(self, time: int) -> Life:
        return self.at_each(np.array([time], np.int64))[0]

    def between(self, start: int, end: int) -> list[Life]:
        """Those that began in [start, end)."""
        low, high = np.searchsorted(self._at, np.array([start, end], np.int64), "left")
        return list(self.lives[max(low, 1) : high])


@dataclass(frozen=True, slots=True)
class _Event:
    at: int
    action: Action | None
    release: Release | None
    deploys: bool = False


def timeline(
    scenario: Scenario,
    service: str,
    actions: Sequence[Action],
    begin: int,
    end: int,
    environment: str = ENVIRONMENT,
) -> Timeline:
    """The lives of `service` from some time before `begin` until `end`. Where nobody asks it anything, it neither
    leaks nor is released every day."""
    live = environment == ENVIRONMENT
    spec, leak = scenario.services[service], scenario.leak_of(service) if live else None
    own = [
        action
        for action in actions
        if action.request.service == service and action.request.environment == environment
    ]
    begin = min([begin, *(action.at for action in own)]) // DAY * DAY - DAY
    releases = [release for release in scenario.releases if live and release.service == service]
    events = [_Event(action.at, action, None) for action in own]
    events += _daily(releases, begin, end)
    lives = [_first(spec, leak, begin)]
    for event in sorted(events, key=lambda each: each.at):
        _live_until(lives, leak, event.at)
        life = _after(lives[-1], event, leak)
        if life is not None:
            lives.append(life)
    _live_until(lives, leak, end)
    return Timeline(lives)


def _daily(releases: Sequence[Release], begin: int, end: int) -> Iterator[_Event]:
    for release in releases:
        for midnight in range(begin, end, DAY):
            yield _Event(midnight + release.deploy, None, release, deploys=True)
            yield _Event(midnight + release.rollback, None, release)


def _first(spec: ServiceSpec, leak: Leak | None, begin: int) -> Life:
    deployed = int(spec.deployed.timestamp()) * SECOND
    started, killed = deployed, None
    if leak is not None:
        started, killed = _natural_life(leak, begin)
        killed = killed if spec.version in leak.versions else None
    return Life(
        begin, "start", SCHEDULE, (spec.previous, spec.version), spec.replicas, deployed, started, 0, killed
    )


def _live_until(lives: list[Life], leak: Leak | None, end: int) -> None:
    """Add the kills that happen up to `end`."""
    while leak is not None and (at := lives[-1].killed_at) is not None and at <= end:
        last = lives[-1]
        killed = _killed_after(leak, last, at)
        lives.append(
            replace(
                last,
                at=at,
                event="oom_kill",
                by=KERNEL,
                started_at=at,
                restarts=last.restarts + 1,
                killed_at=killed,
            )
        )


def _after(life: Life, event: _Event, leak: Leak | None) -> Life | None:
    """The life that `event` begins; None where it changes nothing."""
    if event.release is not None:
        return _released(life, event, event.release, leak)
    assert event.action is not None  # noqa: S101 (an event is one or the other)
    request = event.action.request
    if request.kind is Kind.ROLLBACK and request.version is not None and not life.runs(request.version):
        return None
    life = replace(life, at=event.at, event=request.kind.value, by=USER)
    if request.kind is Kind.SCALE:
        return replace(life, replicas=request.replicas or life.replicas)
    if request.kind is Kind.DEPLOY and request.share is not None:
        return replace(life, canary=Canary(request.version or life.version, request.share), deployed_at=life.at)
    if request.kind is Kind.ROLLBACK and life.canary is not None and request.version != life.version:
        return replace(life, canary=None, deployed_at=life.at)
    if request.kind is Kind.DEPLOY:
        life = _with_versions(life, (*life.versions, request.version or life.version))
    elif request.kind is Kind.ROLLBACK and len(life.versions) > 1:
        life = _with_versions(life, life.versions[:-1])
    else:
        life = replace(life, restarts=life.restarts + 1)
    return _started(life, leak)


def _released(life: Life, event: _Event, release: Release, leak: Leak | None) -> Life | None:
    if event.deploys:
        if life.version == release.version:
            return None
        life = replace(life, at=event.at, event=Kind.DEPLOY.value, by=SCHEDULE)
        return _started(_with_versions(life, (*life.versions, release.version)), leak)
    if life.version != release.version or life.deployed_at != event.at - (release.rollback - release.deploy):
        return None  # somebody has deployed or rolled back since
    life = replace(life, at=event.at, event=Kind.ROLLBACK.value, by=SCHEDULE)
    return _started(_with_versions(life, life.versions[:-1]), leak)


def _with_versions(life: Life, versions: tuple[str, ...]) -> Life:
    return replace(life, versions=versions, canary=None, deployed_at=life.at)


def _started(life: Life, leak: Leak | None) -> Life:
    killed = None
    if leak is not None and life.version in leak.versions:
        killed = life.at + _span(leak, life.at)
    return replace(life, started_at=life.at, killed_at=killed)


def _natural_life(leak: Leak, time: int) -> tuple[int, int]:
    """Start and kill of the life around `time` when nobody acts: fixed points of absolute time."""
    number = (time - int(leak.offset_s * SECOND)) // int(leak.every_s * SECOND) - 1
    while _natural_kill(leak, number + 1) <= time:
        number += 1
    return _natural_kill(leak, number), _natural_kill(leak, number + 1)


def _natural_kill(leak: Leak, number: int) -> int:
    jitter = (_unit(leak.name, number) * 2 - 1) * leak.jitter_s
    return int((leak.offset_s + number * leak.every_s + jitter) * SECOND)


def _killed_after(leak: Leak, life: Life, at: int) -> int:
    start, end = _natural_life(leak, at)
    return end if start == at else at + _span(leak, at)


def _span(leak: Leak, at: int) -> int:
    """How long a process lasts that somebody started at `at`."""
    return int((leak.every_s + (_unit(leak.name, at) * 2 - 1) * leak.jitter_s) * SECOND)


def _unit(name: str, number: int) -> float:
    """A number in [0, 1) that depends on nothing but its arguments."""
    digest = hashlib.sha256(f"{name}/{number}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
