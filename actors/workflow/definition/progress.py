"""Where one run stands in its graph; the rules are those of `graph.py`."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import cast

from actors.workflow.definition.expression import Needs
from actors.workflow.definition.graph import Changes, Ended, Graph, Key, Live, OnFailure, Outcome, Status, Units


class Progress:
    """Begins with nothing decided: `start` first, or `restore` what a store knows.

    A call for a step or unit that has ended already changes nothing: of two messages that cross each other the
    first counts.
    """

    def __init__(self, graph: Graph, on_failure: OnFailure = "stop") -> None:
        self._graph = graph
        self._on_failure = on_failure
        self._missing = {id: len(set(node.needs)) for id, node in graph.nodes.items()}
        self._units: dict[str, Units] = {}
        self._ended: dict[str, Ended] = {}
        self._counts: Counter[Ended] = Counter()
        self._failed_above: set[str] = set()
        self._open: set[str] = set()
        self._arriving: deque[str] = deque()
        self.stopped = False
        """Nothing new starts but handlers: after a failure, unless `continue`; after a cancel not even they."""
        self.cancelled = False

    # --- what happened -----------------------------------------------------------------------------

    def start(self) -> Changes:
        """Every step without needs is due."""
        changes = Changes()
        self._arriving.extend(id for id, missing in self._missing.items() if not missing)
        return self._settled(changes)

    def restore(
        self, units: Iterable[tuple[Key, Status]], opened: Mapping[str, int | None], *, cancelled: bool = False
    ) -> Changes:
        """Instead of `start`: what a store knows, that is each opened step's number of elements (None without
        `for_each`), and the status of every unit that is not pending (one without a status counts as ready).

        The changes are what follows and the store does not know yet; none where it wrote each change as a whole.
        """
        self._units = {id: Units.ready(items) for id, items in opened.items()}
        for (id, item), status in units:
            if id not in self._units:
                self._ended[id] = cast("Ended", status)
            elif status in ("ready", "running", "waiting"):
                self._units[id].live[item] = status
            elif status != "pending":
                self._units[id].count(item, "succeeded" if status == "compensated" else status)
        for id, found in self._units.items():
            if not found.live:
                self._ended[id] = found.status()
        self._open = self._units.keys() - self._ended.keys()
        for id in self._graph.order():
            if id in self._ended:
                self._counts[self._ended[id]] += 1
                self._pass_on(id)
        return self._resumed(cancelled)

    def open(self, step: str, items: int | None = None) -> Changes:
        """A due step begins, with one unit for each of so many elements; None: without `for_each`. Where the run
        was stopped meanwhile it is skipped instead."""
        changes = Changes()
        if step in self._ended or step in self._units:
            return changes
        if not self.goes_on(step):
            return self._without_units(step, "skipped")
        units = self._units[step] = Units.ready(items)
        self._open.add(step)
        changes.ready.extend(Key(step, item) for item in units.live)
        if not units.live:
            self._close(step, "succeeded", changes)
        return self._settled(changes)

    def skip(self, step: str) -> Changes:
        """Its `if` is false."""
        return self._without_units(step, "skipped")

    def fail(self, step: str) -> Changes:
        """Its `if` or `for_each` cannot be evaluated."""
        return self._without_units(step, "failed")

    def mark(self, key: Key, status: Live) -> Changes:
        """A unit that has not ended is running now, or waits, or is ready to be tried again. Where the run was
        stopped meanwhile it does neither of the latter, but is cancelled."""
        units = self._units.get(key.step)
        if units is None or key.item not in units.live:
            return Changes()
        if status != "running" and not self.goes_on(key.step):
            changes = self.end(key, "cancelled")
            changes.closed.insert(0, (key, "cancelled"))
            return changes
        units.live[key.item] = status
        return Changes()

    def end(self, key: Key, status: Ended) -> Changes:
        """A unit has ended for good: a failure that is tried again is none yet."""
        changes = Changes()
        units = self._units.get(key.step)
        if units is None or not units.count(key.item, status):
            return changes
        if not units.live:
            self._close(key.step, units.status(), changes)
        if status == "failed" and self._on_failure != "continue":
            self._stop(changes)
        return self._settled(changes)

    def cancel(self) -> Changes:
        """Everything that has not ended is cancelled, but for what runs: that is to be interrupted, and ended."""
        changes = Changes()
        self.stopped = self.cancelled = True
        for id in [id for id in self._graph.nodes if id not in self._ended and id not in self._units]:
            changes.closed.append((Key(id), "cancelled"))
            self._close(id, "cancelled", changes)
        self._halt(changes, handlers=True)
        return self._settled(changes)

    # --- how it stands -----------------------------------------------------------------------------

    def goes_on(self, step: str) -> bool:
        """Whether something new may start in the step: an attempt, a wait."""
        return not self.stopped or (self._graph.nodes[step].handles and not self.cancelled)

    def needs(self, step: str) -> Needs:
        """How what the step needs has ended, for its `if`."""
        needs = self._graph.nodes[step].needs
        return Needs(all(self._ended.get(id) == "succeeded" for id in needs), step in self._failed_above)

    def status(self, step: str) -> Status:
        """Of the whole step."""
        if step in self._ended:
            return self._ended[step]
        units = self._units.get(step)
        if units is None:
            return "pending"
        found = set(units.live.values())
        return next(status for status in ("running", "waiting", "ready") if status in found)

    @property
    def outcome(self) -> Outcome | None:
        """None until every step has ended."""
        if len(self._ended) < len(self._graph.nodes):
            return None
        if self._counts["failed"]:
            return "failed"
        return "cancelled" if self.cancelled or self._counts["cancelled"] else "succeeded"

    def compensation(self, succeeded: Iterable[Key]) -> list[Key]:
        """The units to take back, first to last, of those that have succeeded, given in order of completion."""
        return [key for key in succeeded if self._graph.nodes[key.step].compensates][::-1]

    # --- how one thing leads to another ------------------------------------------------------------

    def _without_units(self, step: str, status: Ended) -> Changes:
        changes = Changes()
        if step in self._ended or step in self._units:
            return changes
        changes.closed.append((Key(step), status))
        self._close(step, status, changes)
        if status == "failed" and self._on_failure != "continue":
            self._stop(changes)
        return self._settled(changes)

    def _settled(self, changes: Changes) -> Changes:
        """Follows what has ended to what that makes due, and what is skipped to what that skips."""
        while self._arriving:
            step = self._arriving.popleft()
            if step not in self._ended and step not in self._units:
                self._arrive(step, changes)
        return changes

    def _arrive(self, step: str, changes: Changes) -> None:
        """All needs of the step have ended."""
        if self.goes_on(step) and (self._graph.nodes[step].handles or self.needs(step).succeeded):
            changes.due.append(step)
        else:
            changes.closed.append((Key(step), "skipped"))
            self._close(step, "skipped", changes)

    def _close(self, step: str, status: Ended, changes: Changes) -> None:
        self._ended[step] = status
        self._open.discard(step)
        self._counts[status] += 1
        changes.ended.append(step)
        self._arriving.extend(self._pass_on(step))

    def _pass_on(self, step: str) -> list[str]:
        """The steps for which this was the last of their needs."""
        failed = self._ended[step] == "failed" or step in self._failed_above
        complete: list[str] = []
        for dependent in self._graph.dependents[step]:
            self._missing[dependent] -= 1
            if failed:
                self._failed_above.add(dependent)
            if not self._missing[dependent]:
                complete.append(dependent)
        return complete

    def _stop(self, changes: Changes) -> None:
        """Rule 5. What has not begun is skipped when it would have been due: a handler behind it must not start
        before everything above has ended."""
        if not self.stopped:
            self.stopped = True
            self._halt(changes, handlers=False)

    def _halt(self, changes: Changes, *, handlers: bool) -> None:
        for id in sorted(self._open):
            if self._graph.nodes[id].handles and not handlers:
                continue
            units = self._units[id]
            for item in [item for item, status in units.live.items() if status != "running"]:
                status: Ended = "cancelled" if handlers or units.live[item] == "waiting" else "skipped"
                units.count(item, status)
                changes.closed.append((Key(id, item), status))
            if not units.live:
                self._close(id, units.status(), changes)

    def _resumed(self, cancelled: bool) -> Changes:
        changes = Changes()
        if cancelled:
            return self.cancel()
        failed = self._counts["failed"] or any(units.counts["failed"] for units in self._units.values())
        if failed and self._on_failure != "continue":
            self._stop(changes)
        self._arriving.extend(id for id, missing in self._missing.items() if not missing)
        return self._settled(changes)
