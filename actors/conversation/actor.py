"""The conversation pool: accepts turns, owns them, answers them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from actors.conversation.acceptance import Acceptance
from actors.conversation.letters import LetterBox
from actors.conversation.ownership import LEASE_SECONDS, RENEW_SECONDS, Claims, OwnedTurn
from actors.conversation.records import Records, outcome_of
from actors.conversation.reply import ReplyWriter
from actors.conversation.turn import NO_MODEL, TurnRunner
from actors.platform.bus.identity import identify
from actors.platform.bus.transport import Transport
from actors.platform.lease import QUERIES, Lease, Watch
from actors.platform.pool.actor import Place, PoolActor
from actors.platform.store import Database, GroupCommit
from actors.platform.store.database import Row
from schemas.adapters import BackendState
from schemas.conversation import SubmitTurn, TurnAccepted
from schemas.envelope import Envelope
from schemas.errors import Unavailable
from schemas.subjects import (
    HISTORY,
    SESSION_TURNS,
    SUBMIT_TURN,
    TURN_OUTCOME,
    TURN_READER,
    TURN_WAKE,
)
from schemas.system import TurnWake

log = structlog.get_logger(__name__)

MAX_RUNNING = 256  # turns of one actor at a time; more are queued, and shared with the other actors
FORGET_KEYS_SECONDS = 600.0
BURYING = 1 << 30  # above every epoch: a closed turn has no owner to come


class ConversationActor(PoolActor):
    def __init__(self, place: Place, transport: Transport | None = None) -> None:
        super().__init__(place, transport)
        own = Path(__file__).with_name("queries.sql")
        self._database = Database(place.settings.database, own, self.telemetry, shared=(QUERIES,))
        self._accepts = GroupCommit(self._database, "accept_turns", before="take_places")
        self._closes = GroupCommit(self._database, "close_turns")
        self._lease = Lease(self._database, place.slot, seconds=LEASE_SECONDS, renew_seconds=RENEW_SECONDS)
        actor = self._lease.actor
        claims = Claims(self._database, actor, place.pool, self._free, self._held, self._start, self._bury)
        self._claims = Watch(claims.look)
        self._runner = TurnRunner(
            self.bus,
            self._database,
            self._closes,
            self._lease.actor,
            place.settings.limits.turn_seconds,
            self.telemetry,
            self._claims.wake,
            () if place.settings.llm.configured else (NO_MODEL,),
        )
        self._acceptance = Acceptance(
            self._accepts, self._lease.actor, lambda: self._free() > 0, self._start, self._queued
        )
        self._records = Records(self._database)
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._gauge = self.telemetry.gauge("copilot_turns_running", "Turns in hand.")

    async def open(self) -> None:
        await self._database.open(self.waits)
        await self.bus.ensure_streams()
        self._accepts.start()
        self._closes.start()
        await self._lease.start()
        self._claims.start()
        letters = LetterBox(self._acceptance, self._database, self.settings.auth, self.telemetry)
        await self.bus.serve(SUBMIT_TURN, self._submit)
        await self.bus.serve(TURN_OUTCOME, self._records.outcome)
        await self.bus.serve(HISTORY, self._records.history)
        await self.bus.serve(SESSION_TURNS, self._records.turns)
        await self.bus.subscribe(TURN_WAKE, self._woken, subject=TURN_WAKE.subject())
        await self.bus.consume(TURN_READER, letters.take)
        self._chore(self._forget_keys())

    async def close(self) -> None:
        await self._claims.stop()
        if self._running:
            await asyncio.wait(tuple(self._running.values()), timeout=self.settings.server.drain_seconds)
        for task in (*self._running.values(), *self._chores):
            task.cancel()
        await asyncio.gather(*self._running.values(), *self._chores, return_exceptions=True)
        await asyncio.gather(self._accepts.stop(), self._closes.stop())
        await self._lease.release()
        await self._database.close()

    async def dependencies(self) -> tuple[BackendState, ...]:
        state, trouble = await self._database.state(), self._lease.trouble
        if state.status == "up" and trouble:
            return (BackendState(name=state.name, status="down", message=trouble),)
        return (state,)

    async def _submit(self, envelope: Envelope[SubmitTurn]) -> TurnAccepted:
        identity = identify(self.settings.auth, envelope.authorization)
        return await self._acceptance.accept(envelope, identity)

    def _free(self) -> int:
        return MAX_RUNNING - len(self._running)

    def _held(self) -> list[str]:
        return [f"{owner} {turn_id}" for owner, turn_id in self._running]

    def _start(self, turn: OwnedTurn) -> None:
        key = (turn.owner, turn.id)
        task = asyncio.create_task(self._runner.run(turn))
        self._running[key] = task
        self._gauge.set(len(self._running))
        task.add_done_callback(lambda done: self._ended(key, done))

    def _ended(self, key: tuple[str, str], task: asyncio.Task[None]) -> None:
        if self._running.get(key) is task:
            del self._running[key]
        self._gauge.set(len(self._running))
        if not task.cancelled() and (error := task.exception()):
            log.error("turn.not_released", turn=key[1], error=repr(error))

    def _queued(self, session_id: str) -> None:
        """The turn before it may have closed while this one was stored: somebody looks."""
        self._chore(self.bus.publish(TURN_WAKE, TurnWake(session_id=session_id)))

    async def _woken(self, wake: TurnWake) -> None:
        self._claims.wake()

    async def _bury(self, actor: str) -> None:
        """A dead actor may have stored replies without telling them; the stream says which."""
        for row in await self._database.all("last_closed_by", {"actor": actor}):
            await self._tell_again(row)
        log.info("actor.buried", actor=actor)

    async def _tell_again(self, row: Row) -> None:
        reply = ReplyWriter(self.bus, row["session_id"], row["id"], self._lease.actor, BURYING)
        await reply.bury()
        outcome = outcome_of(row)
        if outcome.message is not None:
            await reply.completed(outcome.message)
        elif outcome.problem is not None:
            await reply.failed(outcome.problem)

    async def _forget_keys(self) -> None:
        while True:
            await asyncio.sleep(FORGET_KEYS_SECONDS)
            try:
                await self._database.run("forget_keys", {})
            except Unavailable as error:
                log.warning("keys.not_forgotten", error=error.detail)

    def _chore(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
