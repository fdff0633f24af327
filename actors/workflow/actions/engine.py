"""The engine's own actions as executors. (In a step, those that only compute or wait are moves of the run and do
not come here; as a compensation they do.)"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from actors.platform.bus import Bus
from actors.platform.bus.transport import NoAnswer, NobodyListens
from actors.workflow.actions import asks
from actors.workflow.actions.port import Call, Happened
from actors.workflow.results import WaitsForRun
from actors.workflow.units import now
from schemas.adapters import ActionClass
from schemas.envelope import violations
from schemas.errors import InvalidInput, Unavailable
from schemas.identity import Permission
from schemas.subjects import EMITTED
from schemas.workflow import Emitted

AsksT = TypeVar("AsksT", bound=BaseModel)


class Inside:
    """What runs in this process, and ends with the task that awaits it."""

    effect: ActionClass = "pure"
    permission: Permission | None = None
    interruptible = True

    async def probe(self, call: Call) -> Happened | None:
        raise TypeError("only `probe` actions are asked whether they have happened")


class NoopExecutor(Inside):
    async def run(self, call: Call) -> Any:
        parsed(asks.Noop, call.input)
        return None


class SetExecutor(Inside):
    async def run(self, call: Call) -> Any:
        return parsed(asks.SetValues, call.input).values


class WaitExecutor(Inside):
    async def run(self, call: Call) -> Any:
        wait = parsed(asks.Wait, call.input)
        seconds = wait.duration.total_seconds() if wait.duration else 0.0
        if wait.until is not None:
            seconds = max(0.0, (wait.until - now()).total_seconds())
        await asyncio.sleep(seconds)


@dataclass
class EmitExecutor(Inside):
    """The event's id is the effect's key: whoever takes it twice can tell."""

    bus: Bus
    effect: ActionClass = "keyed"

    async def run(self, call: Call) -> Any:
        emit = parsed(asks.Emit, call.input)
        event = Emitted(name=emit.name, data=emit.data, workflow_id=call.run_id, step_id=call.step_id)
        kind = f"{EMITTED.type}.{emit.name}"
        try:
            await self.bus.append_once(EMITTED, event, kind=kind, id=call.effect_key, name=emit.name)
        except (NoAnswer, NobodyListens) as error:
            raise Unavailable("the bus does not take the event", after=1.0) from error
        return {"id": call.effect_key}


StartChild = Callable[[asks.SubWorkflow, Call], Awaitable[str]]
"""Starts the run, or finds it by the key; the id."""


@dataclass
class SubWorkflowExecutor(Inside):
    start: StartChild
    effect: ActionClass = "keyed"

    async def run(self, call: Call) -> Any:
        return WaitsForRun(await self.start(parsed(asks.SubWorkflow, call.input), call))


def parsed(kind: type[AsksT], given: Any) -> AsksT:
    """Raises InvalidInput: with its expressions in place, a `with` can turn out to be wrong."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        found = violations(error)
        detail = "; ".join(f"{one.pointer or '/'}: {one.detail}" for one in found[:3])
        raise InvalidInput(f"with: {detail}", violations=found) from error
