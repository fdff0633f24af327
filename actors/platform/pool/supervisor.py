"""Keeps every pool at its size: starts, restarts with backoff, reports a crash loop instead of spinning.

A plain state machine per slot; it knows nothing of Ray and is tested with a fake runtime.

    starting → running → draining → stopped
        ↑         │ ended, or killed because it hung
        └─ backing_off, or crash_loop (5 ends within 60 s: told, and tried again every LOOP_PAUSE_SECONDS)
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import structlog

from actors.platform.config import Settings
from actors.platform.pool.actor import Place
from actors.platform.pool.definition import Pool, RunningActor, Runtime
from actors.platform.pool.pulse import Pulse
from schemas.errors import InvalidInput
from schemas.system import ActorState, PoolStates

log = structlog.get_logger(__name__)

State = Literal["starting", "running", "draining", "backing_off", "crash_loop", "stopped"]
FIRST_BACKOFF_SECONDS = 0.1
LONGEST_BACKOFF_SECONDS = 10.0
TOLD_TO_LEAVE = "told to leave"
LOOP_ENDS = 5
LOOP_WINDOW_SECONDS = 60.0
LOOP_PAUSE_SECONDS = 10.0  # what passes by itself, such as a full disk, needs no hand afterwards


@dataclass(slots=True)
class Slot:
    """One place in a pool; lives of an actor come and go in it."""

    pool: Pool
    name: str
    state: State = "starting"
    message: str = ""
    restarts: int = 0
    actor: RunningActor | None = None
    ends: deque[float] = field(default_factory=lambda: deque[float](maxlen=LOOP_ENDS))
    task: asyncio.Task[None] | None = None
    leave: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self) -> ActorState:
        return ActorState(
            pool=self.pool.name,
            slot=self.name,
            state=self.state,
            pid=self.actor.pid if self.actor else None,
            restarts=self.restarts,
            message=self.message,
        )


class Supervisor:
    def __init__(
        self,
        runtime: Runtime,
        pools: tuple[Pool, ...],
        settings: Settings,
        pulse: Pulse,
        say: Callable[[str], None] = log.warning,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime = runtime
        self._pulse = pulse
        self._say = say
        self._pools = {pool.name: pool for pool in pools}
        self._settings = settings
        self._clock = clock
        self._slots: dict[str, Slot] = {}
        self._changed = asyncio.Condition()

    async def start(self) -> None:
        """Returns when every actor of every pool serves, or has given up."""
        for name in self._pools:
            self._resize(name, self._settings.pools[name].size)
        await self._until(lambda: all(s.state in ("running", "crash_loop") for s in self._slots.values()))

    async def stop(self) -> None:
        slots = list(self._slots.values())
        await asyncio.gather(*(self._end(slot) for slot in slots))

    async def scale(self, name: str, size: int) -> PoolStates:
        """Returns when the pool has that many serving actors; those that go finish what they have."""
        if name not in self._pools:
            raise InvalidInput(f"there is no pool {name!r}: {', '.join(sorted(self._pools))}")
        removed = self._resize(name, size)
        await asyncio.gather(*(self._end(slot) for slot in removed))
        await self._until(
            lambda: all(
                slot.state in ("running", "crash_loop") for slot in self._slots.values() if slot.pool.name == name
            )
        )
        return self.states()

    def states(self) -> PoolStates:
        runtime: Literal["ray", "local"] = "ray" if self._runtime.name == "ray" else "local"
        return PoolStates(runtime=runtime, actors=tuple(slot.told() for slot in self._slots.values()))

    def expected(self) -> tuple[tuple[str, str], ...]:
        return tuple((slot.pool.name, slot.name) for slot in self._slots.values() if slot.state != "draining")

    def _resize(self, name: str, size: int) -> list[Slot]:
        """Adds slots from the lowest free number; returns those above the size, which are to go."""
        wanted = [f"{name}-{number}" for number in range(size)]
        for slot_name in wanted:
            if slot_name not in self._slots:
                slot = Slot(self._pools[name], slot_name)
                self._slots[slot_name] = slot
                slot.task = asyncio.create_task(self._keep(slot), name=slot_name)
        return [s for s in self._slots.values() if s.pool.name == name and s.name not in wanted]

    async def _keep(self, slot: Slot) -> None:
        while not slot.leave.is_set():
            reason = await self._live(slot)
            if slot.leave.is_set():
                return
            slot.actor = None
            slot.ends.append(self._clock())
            looping = self._loops(slot)
            if slot.state != "crash_loop":
                log.warning("actor.ended", slot=slot.name, reason=reason, crash_loop=looping)
            await self._set(slot, "crash_loop" if looping else "backing_off", reason)
            await self._pause(slot, LOOP_PAUSE_SECONDS if looping else self._backoff(slot))
            slot.restarts += 1

    async def _live(self, slot: Slot) -> str:
        """One life: from the start to the end, which it returns the reason of."""
        if slot.state != "crash_loop":  # one that tries again from time to time is still one
            await self._set(slot, "starting", slot.message)
        slot.message = ""
        try:
            slot.actor = await self._start(slot)
        except Exception as error:  # noqa: BLE001
            # Whatever a start raises is one more end of this slot, and told in its state.
            log.warning("actor.not_started", slot=slot.name, error=repr(error))
            return f"did not start: {slot.message or error or repr(error)}"
        if slot.actor is None:
            return TOLD_TO_LEAVE
        await self._set(slot, "running", "")
        return await self._outlived(slot, slot.actor)

    async def _start(self, slot: Slot) -> RunningActor | None:
        """None when the slot was told to leave meanwhile: a start may wait without end for what it needs."""
        place = Place(slot.pool.name, slot.name, self._settings)
        cpus = self._settings.pools[slot.pool.name].cpus
        starting = asyncio.ensure_future(self._runtime.start(slot.pool, place, cpus))
        telling = asyncio.create_task(self._pulse.told(slot.name, lambda text: self._note(slot, text)))
        leave = asyncio.create_task(slot.leave.wait())
        try:
            await asyncio.wait((starting, leave), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                return starting.result()
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return None
        finally:
            telling.cancel()
            leave.cancel()

    async def _outlived(self, slot: Slot, actor: RunningActor) -> str:
        """Returns why it is over. One that has stopped answering is killed."""
        ended = asyncio.create_task(actor.ended())
        leave = asyncio.create_task(slot.leave.wait())
        lost = asyncio.create_task(self._pulse.lost(slot.name))
        done, pending = await asyncio.wait((ended, leave, lost), return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        if leave in done:
            return TOLD_TO_LEAVE
        if ended in done:
            return ended.result()
        await actor.kill()
        return lost.result()

    async def _end(self, slot: Slot) -> None:
        if slot.state != "crash_loop":
            await self._set(slot, "draining", "")
        slot.leave.set()
        if slot.task is not None:
            await slot.task
        if slot.actor is not None:
            await slot.actor.stop(self._settings.server.drain_seconds + 5)
        await self._set(slot, "stopped", "")
        self._slots.pop(slot.name, None)

    def _loops(self, slot: Slot) -> bool:
        return len(slot.ends) == LOOP_ENDS and slot.ends[-1] - slot.ends[0] < LOOP_WINDOW_SECONDS

    def _backoff(self, slot: Slot) -> float:
        """Seconds; doubles with every recent end."""
        recent = sum(1 for end in slot.ends if self._clock() - end < LOOP_WINDOW_SECONDS)
        delay = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (recent - 1))
        return delay * random.uniform(0.75, 1.0)  # noqa: S311 - spreads restarts, guards no secret

    async def _pause(self, slot: Slot, seconds: float) -> None:
        """Returns early when the slot is to go."""
        try:
            async with asyncio.timeout(seconds):
                await slot.leave.wait()
        except TimeoutError:
            return

    def _note(self, slot: Slot, text: str) -> None:
        slot.message = text
        if text:
            self._say(f"{slot.name} {text}")

    async def _set(self, slot: Slot, state: State, message: str) -> None:
        slot.state, slot.message = state, message
        async with self._changed:
            self._changed.notify_all()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)
