"""Named places where a test can make something go wrong: end the process, freeze it, fail, delay.

Production code says `await fault_point("store.commit.after")` where a crash or a lost answer would matter. In
normal life that is one comparison. Faults are installed by a test in its own process (`installed`), or for a child
process through the environment variable `COPILOT_FAULT_POINTS`: a JSON list of `Fault`s, for instance
`[{"at": "store.commit.after", "do": "kill", "nth": 2}]`. There is no other way to switch one on.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from schemas.errors import Unavailable

VARIABLE = "COPILOT_FAULT_POINTS"

FaultPoint = Literal[
    "store.commit.before",  # a grouped transaction is about to be sent
    "store.commit.after",  # it is committed, and nobody has been told
    "turn.accepted",  # the turn is stored, and the caller does not know
    "turn.started",  # the first event is sent
    "turn.said",  # all events but the last are sent, and the reply is not stored
    "turn.closed",  # the reply is stored, and the last event is not sent
    "turn.told",  # the last event is sent
    "workflow.claim",  # runs are this actor's own in the store, and it has done nothing for them yet
    "workflow.step.intent",  # `running` and the attempt are stored, the effect has not been asked for
    "workflow.step.effect",  # the effect has happened, its result is not stored
    "workflow.step.commit",  # the result is stored, the next steps have not been taken up
    "workflow.outbox.publish",  # events are on the bus, and not marked as published
    "workflow.outbox.mark",  # events are marked as published
]
POINTS: frozenset[str] = frozenset(get_args(FaultPoint))


class Fault(BaseModel):
    """What happens at the `nth` passage of a point in this process, and at the `times` - 1 passages after it
    (`times` 0: at all of them). `kill` and `stop` send SIGKILL and SIGSTOP to this process, `fail` raises
    Unavailable, `delay` waits `seconds`. With `mark` the fault happens only if that file can be created, so once
    among all processes that share it; the file also says that it has happened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: FaultPoint
    do: Literal["kill", "stop", "fail", "delay"]
    nth: int = Field(default=1, ge=1)
    times: int = Field(default=1, ge=0)
    seconds: float = Field(default=0.0, ge=0)
    mark: str = ""


_PLAN: TypeAdapter[tuple[Fault, ...]] = TypeAdapter(tuple[Fault, ...])
_faults: tuple[Fault, ...] = ()
_passages: dict[str, int] = {}


async def fault_point(name: FaultPoint) -> None:
    """Nothing, unless a fault was installed for this name. Raises Unavailable where the fault is `fail`."""
    if _faults:
        await _passed(name)


def install(*faults: Fault) -> None:
    """Replaces what was installed; passages are counted from here."""
    global _faults  # noqa: PLW0603 - one plan per process is the point
    _faults = faults
    _passages.clear()


@contextmanager
def installed(*faults: Fault) -> Generator[None]:
    install(*faults)
    try:
        yield
    finally:
        install()


def to_variable(*faults: Fault) -> str:
    """The value of COPILOT_FAULT_POINTS that installs these in a child process."""
    return _PLAN.dump_json(faults).decode()


async def _passed(name: FaultPoint) -> None:
    count = _passages[name] = _passages.get(name, 0) + 1
    for fault in _faults:
        due = fault.at == name and count >= fault.nth and (not fault.times or count < fault.nth + fault.times)
        if due and _is_first(fault.mark):
            await _happen(fault)


def _is_first(mark: str) -> bool:
    if not mark:
        return True
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


async def _happen(fault: Fault) -> None:
    if fault.do == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault.do == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif fault.do == "fail":
        raise Unavailable(f"a fault was installed at {fault.at}", after=0.05)
    else:
        await asyncio.sleep(fault.seconds)


if VARIABLE in os.environ:
    install(*_PLAN.validate_json(os.environ[VARIABLE]))
