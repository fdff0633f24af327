"""What an action of a workflow step is: a class, a permission, and something to await.

The engine knows nothing else of actions. `registry.py` has the one table of those that run in this pool; adapter
actions are asked for over the bus and look the same from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from schemas.adapters import ActionClass
from schemas.identity import Identity, Permission


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt of one effect, `attempt` counted from 1. `effect_key` (`run:step:item:do`, or `:undo`) is the
    same at each attempt; `seconds` is the time the attempt has, None without limit."""

    identity: Identity
    run_id: str
    step_id: str
    item: str
    input: dict[str, Any]
    effect_key: str
    attempt: int
    failures: int = 0
    depth: int = 0
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """A probe's answer: the effect of this key has taken place, with this output."""

    output: Any


class Executor(Protocol):
    """Runs one action. Cancelling the task that awaits `run` must leave nothing running, where `interruptible`."""

    @property
    def effect(self) -> ActionClass:
        """What the engine may do after a crash between intent and result: `pure` and `keyed` run again, `probe`
        is asked, `unsafe` is for a person to say."""
        ...

    @property
    def permission(self) -> Permission | None:
        """What the starter of the run needs; None: nothing beside `workflow.start`."""
        ...

    @property
    def interruptible(self) -> bool:
        """Whether cancelling ends the effect: a run that is cancelled waits for the end of what is not."""
        ...

    async def run(self, call: Call) -> Any:
        """The output, as JSON values. Raises a Terminal error where another attempt would give the same, a
        Retryable one where it may not; DeadlineExceeded says that the effect may or may not have happened."""
        ...

    async def probe(self, call: Call) -> Happened | None:
        """Whether the effect of `call.effect_key` has happened; asked of `probe` actions alone."""
        ...
