"""What a run must come to, said as plainly as it can be: every rule of `definition/graph.py`, looked at afresh
after each change, over all steps. Slow, and short enough to be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Reference:
    """`needs`: step -> what it needs. `items`: the elements of a step's `for_each`. `condition`: the value of an
    `if` that asks no status. `handlers`: an `if` that does, by the function it consists of."""

    needs: Mapping[str, tuple[str, ...]]
    on_failure: str = "stop"
    items: Mapping[str, int] = field(default_factory=dict)
    condition: Mapping[str, bool] = field(default_factory=dict)
    handlers: Mapping[str, str] = field(default_factory=dict)
    units: dict[tuple[str, str], str] = field(default_factory=dict)
    steps: dict[str, str] = field(default_factory=dict)
    order: list[tuple[str, str]] = field(default_factory=list)
    cancelled: bool = False

    def __post_init__(self) -> None:
        while any(self._look_at(step) for step in self.needs):
            pass

    def say(self, unit: tuple[str, str], status: str) -> None:
        """A unit runs, waits, or has ended."""
        self.units[unit] = status
        self.order += [unit] if status == "succeeded" else []
        self.__post_init__()

    def cancel(self) -> None:
        self.cancelled = True
        self.__post_init__()

    @property
    def outcome(self) -> str | None:
        if len(self.steps) < len(self.needs):
            return None
        ends = set(self.steps.values())
        return (
            "failed" if "failed" in ends else "cancelled" if self.cancelled or "cancelled" in ends else "succeeded"
        )

    def _look_at(self, step: str) -> bool:
        """Apply the first rule that changes something about the step."""
        if step in self.steps:
            return False
        mine = {unit: status for unit, status in self.units.items() if unit[0] == step}
        live = {unit: status for unit, status in mine.items() if status in ("ready", "running", "waiting")}
        failed = "failed" in {*self.units.values(), *self.steps.values()}
        stopped = self.cancelled or (failed and self.on_failure != "continue" and step not in self.handlers)
        halted = {unit: status for unit, status in live.items() if stopped and status != "running"}
        for unit, status in halted.items():
            self.units[unit] = "cancelled" if self.cancelled or status == "waiting" else "skipped"
        if halted:
            return True
        if mine and not live:
            ranks = ("failed", "cancelled", "succeeded", "skipped")
            self.steps[step] = next(rank for rank in ranks if rank in mine.values())
        elif not mine and self.cancelled:
            self.steps[step] = "cancelled"
        elif not mine and all(need in self.steps for need in self.needs[step]):
            if stopped:
                self.steps[step] = "skipped"
            else:
                self._decide(step)
        else:
            return False
        return True

    def _decide(self, step: str) -> None:
        success = all(self.steps[need] == "succeeded" for need in self.needs[step])
        handler = {"always": True, "success": success, "failure": self._failed_before(step)}
        runs = (
            handler[self.handlers[step]] if step in self.handlers else success and self.condition.get(step, True)
        )
        names = [str(n) for n in range(self.items[step])] if step in self.items else [""]
        if runs and names:
            self.units.update({(step, name): "ready" for name in names})
        else:
            self.steps[step] = "succeeded" if runs else "skipped"

    def _failed_before(self, step: str) -> bool:
        return any(self.steps[need] == "failed" or self._failed_before(need) for need in self.needs[step])
