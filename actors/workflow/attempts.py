"""The attempts of one run that its holder has under way, and places of capped actions that it waits for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from actors.platform.lease import Lease
from actors.workflow import attempt
from actors.workflow.actions.port import Call, Executor
from actors.workflow.actions.registry import Actions
from actors.workflow.definition.graph import Key
from actors.workflow.definition.template import TemplateError
from actors.workflow.results import Failed, Interrupted, Result
from actors.workflow.slots import Slots
from actors.workflow.state import RunState
from actors.workflow.units import Attempt
from schemas.errors import InvalidInput, Unavailable


@dataclass(frozen=True, slots=True)
class Ended:
    attempt: Attempt
    result: Result


class Attempts:
    """`ended` has the results that the run has not taken in; `news` is set when there is something."""

    def __init__(self, actions: Actions, lease: Lease, slots: Slots, run_id: str, news: asyncio.Event) -> None:
        self._actions = actions
        self._lease = lease
        self._slots = slots
        self._run_id = run_id
        self._news = news
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        self._placing: dict[Key, asyncio.Task[None]] = {}
        self._placed: deque[Key] = deque()
        self._freeing: set[asyncio.Task[None]] = set()
        self.ended: deque[Ended] = deque()
        self.lease_lost = False

    @property
    def busy(self) -> bool:
        return bool(self._tasks or self.ended)

    @property
    def mine(self) -> set[Key]:
        """Units that are under way, or whose result has not been taken in."""
        return {one.key for one in self._tasks} | {one.attempt.key for one in self.ended}

    def start(self, state: RunState, starting: list[Attempt]) -> None:
        """Makes attempts whose intent is stored, and sees to places for what is queued."""
        for one in starting:
            self._tasks[one] = asyncio.create_task(self._make(state, one))
        for key in state.queued - self._placing.keys():
            self._placing[key] = asyncio.create_task(self._place(state.uses(key), key))

    def placed(self, state: RunState) -> Iterator[Key]:
        """Units that have got a place and still want it."""
        while self._placed:
            key = self._placed.popleft()
            del self._placing[key]
            if key in state.queued:
                state.queued.discard(key)
                yield key
            else:
                self._give_back(state.uses(key), key)

    def interrupt(self, state: RunState) -> None:
        """Ends what can be ended; compensations go on."""
        for one, task in self._tasks.items():
            if not one.undo and self._executor(state, one).interruptible:
                task.cancel()

    async def drop(self) -> None:
        """The run is let go, or is not this holder's any more: nothing of it goes on here."""
        tasks = [*self._tasks.values(), *self._placing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._freeing, return_exceptions=True)

    async def _make(self, state: RunState, one: Attempt) -> None:
        try:
            result = await attempt.make(self._executor(state, one), _call(state, one), self._lease)
        except asyncio.CancelledError:
            result = Interrupted()
        except attempt.LeaseLost:
            self.lease_lost = True
            result = Interrupted()
        except TemplateError as error:
            result = Failed(InvalidInput(f"{error.pointer}: {error.detail}"))
        except Unavailable as error:
            result = Failed(error)
        if not one.undo and state.uses(one.key) in self._slots.caps:
            self._give_back(state.uses(one.key), one.key)
        del self._tasks[one]
        self.ended.append(Ended(one, result))
        self._news.set()

    async def _place(self, action: str, key: Key) -> None:
        try:
            await self._slots.take(action, self._run_id, key)
        except asyncio.CancelledError:
            await self._slots.free(action, self._run_id, key)  # it may have got it in this very moment
            raise
        self._placed.append(key)
        self._news.set()

    def _give_back(self, action: str, key: Key) -> None:
        task = asyncio.create_task(self._slots.free(action, self._run_id, key))
        self._freeing.add(task)
        task.add_done_callback(self._freeing.discard)

    def _executor(self, state: RunState, one: Attempt) -> Executor:
        step = state.plan.steps[one.key.step]
        return self._actions.executor(step.compensate.uses if one.undo and step.compensate else step.uses)


def _call(state: RunState, one: Attempt) -> Call:
    """Raises TemplateError where a compensation's values cannot be found."""
    unit, step = state.units[one.key], state.plan.steps[one.key.step]
    timeout = step.compensate.timeout if one.undo and step.compensate else step.timeout
    given = state.plan.takes_back(one.key.step, state.scope(one.key)) if one.undo else unit.input
    return Call(
        identity=state.run.identity,
        run_id=state.run.id,
        step_id=one.key.step,
        item=one.key.item,
        input=given,
        effect_key=f"{state.run.id}:{one.key.step}:{one.key.item}:{'undo' if one.undo else 'do'}",
        attempt=unit.undo_attempt if one.undo else unit.attempt,
        failures=unit.failures,
        depth=state.run.depth,
        seconds=timeout.total_seconds() if timeout is not None else None,
    )
