"""What the shop keeps on disk: where its counters began, where they stood, and the actions taken.

`ledger.json` is replaced as a whole (written aside, synchronised, renamed); `actions.jsonl` only grows, and a
last line that a crash cut short was never acknowledged and is dropped. A lock makes readers and writers of
several processes take turns.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from actors.embedded.shop.actions import Action

MARKS_APART = 12
"""Chunks between the marks that are kept; besides them the newest one is."""


class LedgerUnreadable(RuntimeError):
    """The shop's files are damaged or of another make; moving them away starts the shop anew."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """`marks` has, per chunk number, every counter by name at the start of that chunk.

    `origin`: microseconds since the Unix epoch at which all counters were zero.
    """

    origin: int
    marks: Mapping[int, Mapping[str, int]]

    @property
    def floor(self) -> int:
        """The first chunk that the counters cover without a hole up to now."""
        return min(self.marks)

    def with_mark(self, chunk: int, counters: Mapping[str, int], keep: int) -> Ledger:
        """This ledger with one more mark, those of the `keep` chunks before it thinned, older ones gone."""
        newest = max([chunk, *self.marks])
        candidates = {**self.marks, chunk: counters}
        kept = {at for at in candidates if at >= newest - keep and (at % MARKS_APART == 0 or at == newest)}
        kept.add(max((at for at in candidates if at <= newest - keep), default=min(candidates)))
        return replace(self, marks={at: candidates[at] for at in sorted(kept)})


class Files:
    """The files in `directory`, which is made when it is missing."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._ledger = directory / "ledger.json"
        self._actions = directory / "actions.jsonl"
        self._lock = directory / "lock"

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the lock that all processes of this shop share."""
        descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def read(self) -> Ledger | None:
        """What was written last; None before the first time. Raises LedgerUnreadable."""
        try:
            text = self._ledger.read_text("utf-8")
        except FileNotFoundError:
            return None
        try:
            body = cast("dict[str, Any]", json.loads(text))
            names = cast("list[str]", body["cells"])
            marks = {int(chunk): dict(zip(names, row, strict=True)) for chunk, row in body["marks"]}
            if not marks:
                raise ValueError("no marks")
            return Ledger(int(body["origin"]), marks)
        except (KeyError, TypeError, ValueError) as error:
            raise LedgerUnreadable(f"{self._ledger} cannot be read: {error}") from error

    def write(self, ledger: Ledger) -> None:
        """Replace the ledger; on disk when this returns."""
        names = sorted({name for mark in ledger.marks.values() for name in mark})
        marks = [[chunk, [mark.get(name, 0) for name in names]] for chunk, mark in ledger.marks.items()]
        body = {"origin": ledger.origin, "cells": names, "marks": marks}
        partial = self._ledger.with_suffix(f".{os.getpid()}.partial")
        with partial.open("w", encoding="utf-8") as file:
            json.dump(body, file, separators=(",", ":"))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._ledger)
        _sync(self._ledger.parent)

    def actions(self) -> list[Action]:
        """All actions taken, oldest first. Raises LedgerUnreadable where a complete line makes no sense."""
        try:
            lines = self._actions.read_text("utf-8").split("\n")
        except FileNotFoundError:
            return []
        try:
            return [Action.from_json(json.loads(line)) for line in lines[:-1] if line]
        except (KeyError, TypeError, ValueError) as error:
            raise LedgerUnreadable(f"{self._actions} cannot be read: {error}") from error

    def append(self, action: Action) -> None:
        """Add an action; on disk when this returns."""
        with self._actions.open("a+b") as file:
            _cut_incomplete_line(file.fileno())
            file.write(json.dumps(action.as_json()).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _sync(self._actions.parent)


def _cut_incomplete_line(descriptor: int) -> None:
    size = os.fstat(descriptor).st_size
    content = os.pread(descriptor, size, 0)
    complete = content.rfind(b"\n") + 1
    if complete < size:
        os.ftruncate(descriptor, complete)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
