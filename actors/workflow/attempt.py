"""One attempt of one effect, from the stored intent to a result that can be stored."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from actors.platform.guard.fault_points import fault_point
from actors.platform.lease import Lease
from actors.workflow import storable
from actors.workflow.actions.port import Call, Executor
from actors.workflow.results import Failed, Result, Succeeded, WaitsForRun
from schemas.errors import CopilotError, DeadlineExceeded, Internal, InvalidInput, Retryable

log = structlog.get_logger(__name__)

LARGEST_OUTPUT_BYTES = 256 << 10


class LeaseLost(Exception):
    """So much time has passed since the intent was stored that another actor may be at it."""


async def make(executor: Executor, call: Call, lease: Lease) -> Result:
    """Asks for the effect; a `probe` action is asked first whether an earlier attempt has had it. Raises LeaseLost
    instead of acting on what may be somebody else's by now."""
    try:
        result = await _made(executor, call, lease)
    except CopilotError as error:
        result = await _failed(executor, call, error)
    except LeaseLost:
        raise
    except Exception:
        # The border of an action: whatever went wrong in it is the step's failure, not the engine's.
        log.exception("action.failed", effect_key=call.effect_key)
        unexpected = Internal("an unexpected error; the log of the actor has the details")
        result = Failed(unexpected, unknown=executor.effect == "unsafe")
    await fault_point("workflow.step.effect")
    return result


async def _made(executor: Executor, call: Call, lease: Lease) -> Result:
    if executor.effect == "probe" and call.attempt > 1:
        found = await executor.probe(call)
        if found is not None:
            return _checked(found.output)
    if not lease.holds:
        raise LeaseLost(call.effect_key)
    return await _run(executor, call)


async def _run(executor: Executor, call: Call) -> Result:
    deadline = asyncio.timeout(call.seconds)
    try:
        async with deadline:
            output = await executor.run(call)
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise DeadlineExceeded(f"was not done within {call.seconds:.3g} s") from error
    return output if isinstance(output, WaitsForRun) else _checked(output)


async def _failed(executor: Executor, call: Call, error: CopilotError) -> Result:
    """An effect that was asked for and not answered in time may have happened: its class says what then."""
    if not isinstance(error, DeadlineExceeded):
        return Failed(error)
    if executor.effect == "probe":
        return await _probed(executor, call, error)
    return Failed(error, unknown=executor.effect == "unsafe")


async def _probed(executor: Executor, call: Call, error: CopilotError) -> Result:
    try:
        found = await executor.probe(call)
    except Retryable as unanswered:
        return Failed(unanswered)  # asked again before the next attempt
    return Failed(error) if found is None else _checked(found.output)


def _checked(output: Any) -> Result:
    """What is stored is JSON, of a bounded size."""
    try:
        size = len(storable.written(output))
    except storable.NotStorable as error:
        return Failed(InvalidInput(f"the output {error}"))
    if size > LARGEST_OUTPUT_BYTES:
        return Failed(InvalidInput(f"the output has {size} bytes; at most {LARGEST_OUTPUT_BYTES} are kept"))
    return Succeeded(output)
