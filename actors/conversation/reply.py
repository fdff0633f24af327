"""The reply stream of one turn: numbered, written by its owner alone, gone on with by the next one.

Events are sent without waiting for each acknowledgement; the last one is acknowledged, and with it those before
it. Every write names the turn's fence: a message that whoever takes the turn over writes first. From then on
nothing that the former owner sends is stored. A turn that never changes hands needs no fence at all.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from actors.conversation.ownership import OwnedTurn
from actors.platform.bus import Bus, Last, SequenceConflict, Stored
from actors.platform.bus.transport import NoAnswer, NobodyListens
from schemas.adapters import Evidence
from schemas.conversation import (
    FINAL,
    Message,
    ReplyChunk,
    ReplyCompleted,
    ReplyEvent,
    ReplyEvidence,
    ReplyFailed,
    ReplyFence,
    ReplyRestarted,
    ReplyStarted,
)
from schemas.errors import Problem
from schemas.nlp import Entity, Intent
from schemas.subjects import REPLY_FENCE, REPLY_FINISHED, REPLY_LOG, ROOT

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.2


class TurnLost(Exception):
    """Another owner writes this reply now; whoever sees this stops and stores nothing."""


class ReplyWriter:
    """`sequence` is the number of the turn's next event, from 0. `life` names the actor and its epoch."""

    def __init__(
        self, bus: Bus, session_id: str, turn_id: str, life: str, epoch: int, tell: str | None = None
    ) -> None:
        self._bus = bus
        self._ids: dict[str, Any] = {"session_id": session_id, "turn_id": turn_id}
        self._session, self._turn = session_id, turn_id
        self._parts = {"session": session_id, "turn": turn_id}
        self._life, self._epoch = life, epoch
        self._tell_gateway = tell
        self._fence = Last(REPLY_FENCE.subject(**self._parts), 0)
        self._generation = bus.generation
        self._sent: list[ReplyEvent] = []
        self._last = 0
        self.sequence = 0
        self._seen: tuple[str, ...] = ()

    @classmethod
    def of(cls, bus: Bus, turn: OwnedTurn, actor: str) -> ReplyWriter:
        return cls(bus, turn.session_id, turn.id, f"{actor}/{turn.epoch}", turn.epoch, turn.tell)

    async def take_over(self) -> None:
        """Shuts the former owner out and continues its numbers; text it has shown is withdrawn first. Raises
        TurnLost where a later owner was here already."""
        await self._shut_out()
        self.note(await self._stored())
        if "reply.chunk" in self._seen and not self.finished:
            restarted = ReplyRestarted(
                **self._ids, sequence=self.sequence, reason="another actor took over the turn"
            )
            await self._tell(restarted)

    async def bury(self) -> None:
        """For the reply of a turn that a dead owner has closed: only its last event may be missing."""
        await self._shut_out()
        self.note(await self._stored())

    def note(self, stored: Iterable[Stored]) -> None:
        for item in stored:
            event = json.loads(item.body)
            self._last = max(self._last, item.sequence)
            self.sequence = max(self.sequence, event["sequence"] + 1)
            self._seen = (*self._seen, event["type"])

    @property
    def finished(self) -> bool:
        return any(kind in FINAL for kind in self._seen)

    async def started(self, intent: Intent, entities: tuple[Entity, ...]) -> None:
        if "reply.started" not in self._seen:
            await self._tell(ReplyStarted(**self._ids, sequence=self.sequence, intent=intent, entities=entities))

    async def chunk(self, text: str) -> None:
        await self._tell(ReplyChunk(**self._ids, sequence=self.sequence, chunk=text))

    async def evidence(self, items: Iterable[Evidence]) -> None:
        for item in items:
            await self._tell(ReplyEvidence(**self._ids, sequence=self.sequence, evidence=item))

    async def completed(self, message: Message) -> None:
        """The last event of a turn that is closed in the store."""
        await self._end(lambda: ReplyCompleted(**self._ids, sequence=self.sequence, message=message))

    async def failed(self, problem: Problem) -> None:
        """The last event of a turn that is closed in the store."""
        await self._end(lambda: ReplyFailed(**self._ids, sequence=self.sequence, problem=problem))

    # --- inside ------------------------------------------------------------------------------------

    async def _tell(self, event: ReplyEvent) -> None:
        self._sent.append(event)
        self.sequence = event.sequence + 1
        self._seen = (*self._seen, event.type)
        await self._bus.send(
            REPLY_LOG, event, kind=ROOT + event.type, expected=self._fence, id=self._id(event), **self._parts
        )

    async def _end(self, final: Callable[[], ReplyEvent]) -> None:
        """Returns when the stream has every event, and the last one once. After a disturbance the stream says what
        is missing, and the last event names the one before it: who buries the dead may be telling it too."""
        if self._tell_gateway:
            await self._bus.publish(REPLY_FINISHED, final(), gateway=self._tell_gateway)
        expected = self._fence
        while not self.finished:
            if self._generation != self._bus.generation:
                expected = await self._mend()
                continue
            event = final()
            try:
                await self._append(event, expected)
            except SequenceConflict:
                expected = await self._mend()
            except (NoAnswer, NobodyListens):
                self._say_waiting()
                await asyncio.sleep(RETRY_SECONDS)
                expected = await self._mend()
            else:
                self._sent.append(event)
                self._seen = (*self._seen, event.type)
        if self._generation != self._bus.generation:
            await self._mend()

    async def _mend(self) -> Last:
        """Writes again what the stream should have and has not; returns what the next event has to name."""
        while True:
            try:
                self._generation = self._bus.generation
                await self._bus.ensure_streams()
                stored = await self._stored()
                self.note(stored)
                for event in self._missing(stored):
                    self._last = await self._append(event, self._newest())
            except SequenceConflict:
                continue  # somebody else has told the end meanwhile
            except (NoAnswer, NobodyListens, RuntimeError):
                self._say_waiting()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return self._newest()

    def _missing(self, stored: list[Stored]) -> list[ReplyEvent]:
        """Of what this owner has sent; nothing beyond an end that somebody else has told."""
        there = {json.loads(item.body)["sequence"] for item in stored}
        told = max(there, default=-1) if self.finished else self.sequence
        return [event for event in self._sent if event.sequence not in there and event.sequence < told]

    async def _shut_out(self) -> None:
        """From here on nobody else writes this reply. Raises TurnLost where a later owner has done the same."""
        fence = ReplyFence(epoch=self._epoch, life=self._life)
        while True:
            fences = await self._bus.read(REPLY_FENCE, session=self._session, turn=self._turn)
            if fences and ReplyFence.model_validate_json(fences[-1].body).epoch > self._epoch:
                raise TurnLost(self._turn)
            expected = Last(self._fence.subject, fences[-1].sequence if fences else 0)
            try:
                number = await self._bus.append(
                    REPLY_FENCE, fence, kind=REPLY_FENCE.type, expected=expected, id=self._life, **self._parts
                )
            except SequenceConflict:
                continue  # two at once: the one that looks again sees the other
            except (NoAnswer, NobodyListens):
                self._say_waiting()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._fence = Last(self._fence.subject, number)
            return

    async def _append(self, event: ReplyEvent, expected: Last) -> int:
        return await self._bus.append(
            REPLY_LOG, event, kind=ROOT + event.type, expected=expected, id=self._id(event), **self._parts
        )

    async def _stored(self) -> list[Stored]:
        return await self._bus.read(REPLY_LOG, session=self._session, turn=self._turn)

    def _newest(self) -> Last:
        return Last(REPLY_LOG.subject(**self._parts), self._last)

    def _id(self, event: ReplyEvent) -> str:
        return f"{self._turn}:{event.sequence}:{self._life}"

    def _say_waiting(self) -> None:
        log.warning("reply.waiting", waits_for="NATS", turn=self._turn)
