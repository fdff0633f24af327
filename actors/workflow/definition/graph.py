"""The graph of a run: what may start, what never will, and how it all ends. Pure; knows no store and no clock.

The rules
---------
1. A step is *due* when every step in its `needs` has ended. Nothing waits for a level or for a neighbour.
2. A due step runs if each of its needs has succeeded; otherwise it is skipped, and so is what needs it, and so on
   (as in GitHub Actions). Its own `if`, where there is one, must be true too.
3. An `if` that asks how steps have ended, by `always()`, `success()`, `failure()` or `steps.x.status`, decides
   alone: such a step, a *handler*, may run after a failure or a skip. `success()`: each need has succeeded.
   `failure()`: a need, or a step before it, has failed.
4. `if` is asked once a step, before `for_each`. A step with `for_each` has one unit per element; it has succeeded
   when all have (without elements: at once), and has failed when all have ended and one has failed.
5. A step fails when its attempts are used up, or when its `if` or `for_each` cannot be evaluated. With
   `continue` everything else goes on, and rule 2 skips what needs it. With `stop` and `compensate` nothing new
   starts: what is ready is skipped, and so is every step when it would be due; what waits is cancelled, what runs
   may finish; handlers alone go on, and start when due.
6. The run has failed when a step has, although another step has dealt with it. With `compensate`, what has
   succeeded and has a `compensate` is then taken back, unit by unit, in reverse order of completion.
7. A cancelled run starts nothing more, not even handlers: what has not ended is cancelled, what runs is the
   engine's to interrupt.

`Graph` is what the definition says, `Progress` where one run stands. Each change costs what it changes: the ending
of a step looks at its dependents, never at all steps.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Status = Literal[
    "pending", "ready", "running", "waiting", "succeeded", "failed", "skipped", "cancelled", "compensated"
]
Live = Literal["ready", "running", "waiting"]
Ended = Literal["succeeded", "failed", "skipped", "cancelled"]
OnFailure = Literal["stop", "continue", "compensate"]
Outcome = Literal["succeeded", "failed", "cancelled"]


class Key(NamedTuple):
    """One unit of work: a step, and which element of its `for_each` ("0", "1", …; "" without one)."""

    step: str
    item: str = ""


class Node(NamedTuple):
    """A step as the graph sees it. `handles`: its `if` asks how steps have ended (rule 3)."""

    id: str
    needs: tuple[str, ...] = ()
    handles: bool = False
    compensates: bool = False


class Graph:
    """Steps by id, and who needs whom. Expects what `checks.py` has found right: known needs, no cycle."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self.nodes = {node.id: node for node in nodes}
        self.dependents: dict[str, list[str]] = {id: [] for id in self.nodes}
        for node in self.nodes.values():
            for need in dict.fromkeys(node.needs):
                self.dependents[need].append(node.id)
        self.handlers = tuple(node.id for node in self.nodes.values() if node.handles)

    def order(self) -> list[str]:
        """Each step after all that it needs; the definition's own order where that leaves a choice."""
        missing = {id: len(set(node.needs)) for id, node in self.nodes.items()}
        found: list[str] = []
        ready = deque(id for id, count in missing.items() if not count)
        while ready:
            id = ready.popleft()
            found.append(id)
            for dependent in self.dependents[id]:
                missing[dependent] -= 1
                if not missing[dependent]:
                    ready.append(dependent)
        return found


@dataclass(slots=True)
class Changes:
    """What became of one change."""

    due: list[str] = field(default_factory=list[str])
    """Steps to decide: ask `if` and `for_each` with `Progress.needs`, then call `open`, `skip` or `fail`."""
    ready: list[Key] = field(default_factory=list[Key])
    """Units that may start."""
    closed: list[tuple[Key, Ended]] = field(default_factory=list[tuple[Key, Ended]])
    """Units that have ended without running to their end: skipped or cancelled."""
    ended: list[str] = field(default_factory=list[str])
    """Steps that have ended with this change, in order."""


@dataclass(slots=True)
class Units:
    """The units of an opened step: those that have not ended, and how many have ended how."""

    live: dict[str, Live]
    """By item."""
    counts: Counter[Ended] = field(default_factory=Counter[Ended])

    @classmethod
    def ready(cls, items: int | None) -> Units:
        """Of a step with so many elements; None: without `for_each`."""
        return cls(dict.fromkeys([""] if items is None else map(str, range(items)), "ready"))

    def count(self, item: str, status: Ended) -> bool:
        """One unit has ended; false where it had already."""
        if self.live.pop(item, None) is None:
            return False
        self.counts[status] += 1
        return True

    def status(self) -> Ended:
        """Of the step, once all have ended."""
        for worst in ("failed", "cancelled"):
            if self.counts[worst]:
                return worst
        return "skipped" if self.counts["skipped"] and not self.counts["succeeded"] else "succeeded"
