"""Who comes before whom in a definition, and what is wrong with that."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence

from actors.workflow.definition.expression import ExpressionError, compiled
from actors.workflow.definition.model import Step
from schemas.errors import Violation


class Order:
    """Goes by what can be used: of two steps with one id the first, of needs those that exist."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self.ids: dict[str, int] = {}
        for number, step in enumerate(steps):
            self.ids.setdefault(step.id, number)
        known = [[need for need in dict.fromkeys(step.needs) if need in self.ids] for step in steps]
        self._needs = [[self.ids[need] for need in needs] for needs in known]
        self._sorted = self._sort()
        self._ancestors: list[int] | None = None

    def before(self, id: str) -> Collection[str]:
        """The steps that have ended when this one starts."""
        return _Ancestors(self, self.ids[id])

    def is_before(self, id: str, step: int) -> bool:
        number = self.ids.get(id)
        return number is not None and bool(self._bits()[step] >> number & 1)

    def violations(self) -> Iterator[Violation]:
        yield from self._duplicates()
        yield from self._unknown()
        yield from self._stuck()
        yield from self._unreachable()

    def _bits(self) -> list[int]:
        """Per step, the set of all before it as the bits of one number: ten thousand steps take 12 MB at most."""
        if self._ancestors is None:
            self._ancestors = [0] * len(self._steps)
            for number in self._sorted:
                for need in self._needs[number]:
                    self._ancestors[number] |= self._ancestors[need] | 1 << need
        return self._ancestors

    def _sort(self) -> list[int]:
        """The steps that can be sorted; those in and behind a cycle are left out."""
        dependents: list[list[int]] = [[] for _ in self._steps]
        missing = [len(needs) for needs in self._needs]
        for number, needs in enumerate(self._needs):
            for need in needs:
                dependents[need].append(number)
        ready = deque(number for number, count in enumerate(missing) if not count)
        found: list[int] = []
        while ready:
            number = ready.popleft()
            found.append(number)
            for dependent in dependents[number]:
                missing[dependent] -= 1
                if not missing[dependent]:
                    ready.append(dependent)
        return found

    def _duplicates(self) -> Iterator[Violation]:
        for number, step in enumerate(self._steps):
            first = self.ids[step.id]
            if first != number:
                yield Violation(
                    pointer=f"/steps/{number}/id", detail=f"{step.id} is the id of /steps/{first} already"
                )

    def _unknown(self) -> Iterator[Violation]:
        for number, step in enumerate(self._steps):
            for place, need in enumerate(step.needs):
                if need not in self.ids:
                    yield Violation(pointer=f"/steps/{number}/needs/{place}", detail=f"there is no step {need}")

    def _stuck(self) -> Iterator[Violation]:
        left = set(range(len(self._steps))) - set(self._sorted)
        in_cycles: set[int] = set()
        for number in sorted(left):
            cycle = self._cycle(number, left)
            if not in_cycles & set(cycle):
                named = " -> ".join(self._steps[each].id for each in (*cycle, cycle[0]))
                yield Violation(pointer=f"/steps/{cycle[0]}/needs", detail=f"a cycle: {named}")
            in_cycles |= set(cycle)
        for number in sorted(left - in_cycles):
            yield Violation(pointer=f"/steps/{number}", detail="unreachable: what it needs waits for a cycle")

    def _cycle(self, start: int, left: set[int]) -> list[int]:
        """The one that a walk against the arrows runs into, in the direction of the flow, its first step first."""
        walked: dict[int, int] = {}
        number = start
        while number not in walked:
            walked[number] = len(walked)
            number = next(need for need in self._needs[number] if need in left)
        cycle = list(walked)[walked[number] :][::-1]
        first = cycle.index(min(cycle))
        return cycle[first:] + cycle[:first]

    def _unreachable(self) -> Iterator[Violation]:
        never: dict[int, str] = {}
        for number in self._sorted:
            step = self._steps[number]
            if _is_false(step.if_):
                never[number] = "unreachable: its condition is always false"
            elif not _handles(step.if_):
                need = next((need for need in self._needs[number] if need in never), None)
                if need is not None:
                    never[number] = f"unreachable: it needs {self._steps[need].id}, which never runs"
        for number in sorted(never):
            yield Violation(pointer=f"/steps/{number}", detail=never[number])


class _Ancestors(Collection[str]):
    def __init__(self, order: Order, step: int) -> None:
        self._order = order
        self._step = step

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._order.is_before(id, self._step)

    def __iter__(self) -> Iterator[str]:
        return (id for id in self._order.ids if id in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_false(condition: str | None) -> bool:
    if condition is None:
        return False
    try:
        expression = compiled(condition, "boolean")
        constant = not expression.reads.paths and not expression.asks_status
        return constant and not expression.condition({})
    except ExpressionError:
        return False  # reported where it stands


def _handles(condition: str | None) -> bool:
    try:
        return condition is not None and compiled(condition).asks_status
    except ExpressionError:
        return True
