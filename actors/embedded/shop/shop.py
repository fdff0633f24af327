"""The demo shop as one object: its numbers at any time, what can be done to it, how it remembers."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actors.embedded.shop import ENVIRONMENT
from actors.embedded.shop.actions import Action, KeyUsed, Kind, NothingToRollBack, Request
from actors.embedded.shop.cells import Cells, Counts
from actors.embedded.shop.exposition import Catalogue, Family, scrape_text
from actors.embedded.shop.gauges import gauges
from actors.embedded.shop.generator import Generator, chunk_of
from actors.embedded.shop.ledger import Files, Ledger
from actors.embedded.shop.requests import CHUNK
from actors.embedded.shop.scenario import DAY, SECOND, Scenario, load
from actors.embedded.shop.spans import Spans
from actors.embedded.shop.timeline import Life, Timeline, Times, timeline

HISTORY = 26 * 3600 * SECOND
"""How far back a shop without a past begins, and the longest hole that is filled."""

HISTORY_CHUNKS = HISTORY // CHUNK + 2 * 12

Row = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Numbers:
    """The counters at some times (one row per time) and each service's requests in flight."""

    times: Times
    counts: Counts
    in_flight: dict[str, Row]


class Shop:
    """All times are microseconds since the Unix epoch. Methods may be called from several threads.

    What a counter says at a time is what had completed by then; asked again, now or after a restart, it says
    the same.
    """

    def __init__(self, scenario: Scenario, files: Files, ledger: Ledger, actions: Sequence[Action]) -> None:
        self.scenario = scenario
        self.files = files
        self.generator = Generator(scenario, ledger.origin, actions)
        self.catalogue = Catalogue(scenario, self.generator.topology, self.generator.cells)
        self._ledger = ledger
        self._rows = {chunk: _row(self.generator.cells, mark) for chunk, mark in ledger.marks.items()}
        self._latest = 0
        self._lock = threading.RLock()

    @classmethod
    def open(cls, directory: Path, now: int, scenario: Scenario | None = None) -> Shop:
        """The shop whose files are in `directory`; a new one, 26 hours old, where there are none.

        Raises LedgerUnreadable.
        """
        scenario = scenario or load()
        files = Files(directory)
        with files.locked():
            first = (now - HISTORY) // CHUNK
            ledger = files.read()
            if ledger is None:
                ledger = Ledger(first * CHUNK, {first: {}})
                files.write(ledger)
            shop = cls(scenario, files, ledger, files.actions())
            shop._skip_to(first)
            return shop

    @property
    def origin(self) -> int:
        return self._ledger.origin

    @property
    def floor(self) -> int:
        """The earliest time for which there are counters."""
        return max(self.origin, self._ledger.floor * CHUNK)

    def metrics(self, service: str, time: int) -> str:
        """The text that a scrape of `service` at `time` gets."""
        with self._lock:
            time = self._latest = max(time, self._latest, self.floor + 1)
            self.keep(chunk_of(time))
            numbers = self.numbers(chunk_of(time), np.array([time], np.int64))
            return scrape_text(self.families(service, numbers))

    def numbers(self, chunk: int, times: Times) -> Numbers:
        """The numbers at `times`, ascending and all within `chunk`."""
        with self._lock:
            counts = self._row_at(chunk) + self.generator.count(chunk, times)
            if times[-1] == (chunk + 1) * CHUNK:
                self._rows[chunk + 1] = counts[-1]
            return Numbers(times, counts, self.generator.in_flight(chunk, times))

    def families(self, service: str, numbers: Numbers) -> list[Family]:
        with self._lock:
            line = self.generator.lines(int(numbers.times[-1]))[service]
            spec = self.scenario.services[service]
            running = numbers.in_flight[service]
            levels = gauges(service, spec, line, running, numbers.times, self.origin)
            return self.catalogue.families(service, numbers.counts, levels)

    def act(self, request: Request, now: int) -> Action:
        """Take an action, on disk before this returns; one whose key was seen before is not taken again.

        Raises NothingToRollBack; KeyUsed where the key was seen with another request.
        """
        with self._lock:
            for done in self.generator.actions:
                if request.key is not None and done.request.key == request.key:
                    if done.request != request:
                        raise KeyUsed(f"the key {request.key} was used for another action")
                    return done
            action = Action(max(now, self._latest + 1), request)
            if request.kind is Kind.ROLLBACK:
                life = self.life(request.service, action.at, request.environment)
                taken_back = request.version is None or life.runs(request.version)
                if taken_back and life.canary is None and len(life.versions) < 2:
                    raise NothingToRollBack(f"{request.service} has no version before the one that runs")
            with self.files.locked():
                self.files.append(action)
            self._latest = action.at
            self.generator.act(action)
            self._rows = {chunk: row for chunk, row in self._rows.items() if chunk * CHUNK <= action.at}
            return action

    def arrivals(self, chunk: int) -> Spans:
        """The spans of all requests that come in during `chunk`."""
        with self._lock:
            return self.generator.arrivals(chunk)

    def around(self, chunk: int) -> Spans:
        """Every span that is running at some moment of `chunk`, and some that begin after it; by end."""
        with self._lock:
            return self.generator.around(chunk)

    def line(self, service: str, until: int, environment: str = ENVIRONMENT) -> Timeline:
        with self._lock:
            if environment == ENVIRONMENT:
                return self.generator.lines(until)[service]
            actions = self.generator.actions
            return timeline(self.scenario, service, actions, self.origin, until + DAY, environment)

    def life(self, service: str, time: int, environment: str = ENVIRONMENT) -> Life:
        """Version, replicas and the like of `service` at `time`."""
        with self._lock:
            return self.line(service, time, environment).at(time)

    def keep(self, chunk: int) -> None:
        """Make sure that the counters at the start of `chunk` are on disk.

        Done before anything in `chunk` is shown, so a counter shown is never more than a chunk ahead of the disk.
        """
        with self._lock:
            if max(self._ledger.marks) >= chunk:
                return
            mark = _mark(self.generator.cells, self._row_at(chunk))
            with self.files.locked():
                # Another process may have written since; both have worked out the same numbers.
                ledger = self.files.read() or self._ledger
                self._ledger = ledger.with_mark(chunk, mark, HISTORY_CHUNKS)
                self.files.write(self._ledger)
            oldest = min(self._ledger.marks)
            self._rows = {chunk: row for chunk, row in self._rows.items() if chunk >= oldest}

    def _row_at(self, chunk: int) -> Row:
        """Every counter at the start of `chunk`, counted on from the nearest place that is known."""
        if self._known(chunk) < chunk - 1:
            self._read_marks()
        known = self._known(chunk)
        if known < 0:
            raise ValueError(f"there are no counters for {chunk * CHUNK}; they begin at {self.floor}")
        for each in range(known, chunk):
            end = np.array([(each + 1) * CHUNK], np.int64)
            self._rows[each + 1] = self._rows[each] + self.generator.count(each, end)[-1]
        return self._rows[chunk]

    def _known(self, chunk: int) -> int:
        return max((each for each in self._rows if each <= chunk), default=-1)

    def _read_marks(self) -> None:
        """Learn what another process has counted meanwhile: a back-fill next to the running shop."""
        ledger = self.files.read()
        if ledger is not None and ledger.origin == self.origin:
            self._ledger = ledger
            for chunk, mark in ledger.marks.items():
                self._rows.setdefault(chunk, _row(self.generator.cells, mark))

    def _skip_to(self, first: int) -> None:
        """After a hole longer than the history: go on at `first` with the counters of before the hole."""
        last = max(self._rows)
        if last + 1 >= first:
            return
        # What was shown may be up to a chunk ahead of the last mark.
        row = self._row_at(last + 1)
        self._ledger = Ledger(self.origin, {first: _mark(self.generator.cells, row)})
        self._rows = {first: row}
        self.files.write(self._ledger)


def _row(cells: Cells, mark: Mapping[str, int]) -> Row:
    return np.array([mark.get(name, 0) for name in cells.names], np.int64)


def _mark(cells: Cells, row: Row) -> dict[str, int]:
    return dict(zip(cells.names, row.tolist(), strict=True))
