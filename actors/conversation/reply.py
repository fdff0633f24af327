"""The reply stream of one turn: numbered, written by its owner alone, gone on with by the next one."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from actors.conversation.ownership import OwnedTurn
from actors.platform.bus import Bus, SequenceConflict, Stored
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
    ReplyRestarted,
    ReplyStarted,
)
from schemas.errors import Problem
from schemas.nlp import Entity, Intent
from schemas.subjects import REPLY_LOG, ROOT

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.2


class TurnLost(Exception):
    """Another owner writes this reply now; whoever sees this stops and stores nothing."""


class ReplyWriter:
    """`sequence` is the number of the turn's next event, from 0; `_last` is the stream's own number of the newest
    one, which every write names, so that a twin who lost the turn cannot write.

    Events are written one after another by a task of their own: the turn works on while the stream acknowledges.
    `told` waits for it.
    """

    def __init__(self, bus: Bus, session_id: str, turn_id: str, life: str) -> None:
        self._bus = bus
        self._session, self._turn = session_id, turn_id
        self._ids: dict[str, Any] = {"session_id": session_id, "turn_id": turn_id}
        self._life = life
        self._last = 0
        self.sequence = 0
        self._seen: tuple[str, ...] = ()
        self._waiting: deque[ReplyEvent] = deque()
        self._writing: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, bus: Bus, turn: OwnedTurn, actor: str) -> ReplyWriter:
        return cls(bus, turn.session_id, turn.id, f"{actor}/{turn.epoch}")

    async def take_over(self) -> None:
        """Continues the numbers of a former owner; text it has shown is withdrawn first."""
        self.note(await self._bus.read(REPLY_LOG, session=self._session, turn=self._turn))
        if "reply.chunk" in self._seen and not self.finished:
            self._tell(
                ReplyRestarted(**self._ids, sequence=self.sequence, reason="another actor took over the turn")
            )

    def note(self, stored: Iterable[Stored]) -> None:
        for item in stored:
            event = json.loads(item.body)
            self._last = item.sequence
            self.sequence = event["sequence"] + 1
            self._seen = (*self._seen, event["type"])

    @property
    def finished(self) -> bool:
        return bool(self._seen) and self._seen[-1] in FINAL

    def started(self, intent: Intent, entities: tuple[Entity, ...]) -> None:
        if "reply.started" not in self._seen:
            self._tell(ReplyStarted(**self._ids, sequence=self.sequence, intent=intent, entities=entities))

    def chunk(self, text: str) -> None:
        self._tell(ReplyChunk(**self._ids, sequence=self.sequence, chunk=text))

    def evidence(self, items: Iterable[Evidence]) -> None:
        for item in items:
            self._tell(ReplyEvidence(**self._ids, sequence=self.sequence, evidence=item))

    async def told(self) -> None:
        """Returns when the stream has every event so far. Raises TurnLost."""
        if self._writing is not None:
            await self._writing

    async def abandon(self) -> None:
        """Nothing more is written."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)

    async def completed(self, message: Message) -> None:
        await self._end(lambda: ReplyCompleted(**self._ids, sequence=self.sequence, message=message))

    async def failed(self, problem: Problem) -> None:
        await self._end(lambda: ReplyFailed(**self._ids, sequence=self.sequence, problem=problem))

    async def _end(self, final: Callable[[], ReplyEvent]) -> None:
        """The last event of a turn that is closed in the store: it follows whatever a twin may have written
        meanwhile, and is there once."""
        while not self.finished:
            event = final()
            try:
                await self._write(event)
                self._count(event)
            except TurnLost:
                self.note(
                    await self._bus.read(REPLY_LOG, after=self._last, session=self._session, turn=self._turn)
                )

    def _tell(self, event: ReplyEvent) -> None:
        self._count(event)
        self._waiting.append(event)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())

    def _count(self, event: ReplyEvent) -> None:
        self.sequence = event.sequence + 1
        self._seen = (*self._seen, event.type)

    async def _write_all(self) -> None:
        while self._waiting:
            await self._write(self._waiting.popleft())

    async def _write(self, event: ReplyEvent) -> None:
        """Returns when the stream has it. An answer that got lost on the way is found again by the event's id."""
        event_id = f"{self._turn}:{event.sequence}:{self._life}"
        while True:
            try:
                self._last = await self._bus.append(
                    REPLY_LOG,
                    event,
                    kind=f"{ROOT}{event.type}",
                    expected=self._last,
                    id=event_id,
                    session=self._session,
                    turn=self._turn,
                )
                break
            except SequenceConflict as error:
                self._last = await self._mine(event_id, error)
                break
            except (NoAnswer, NobodyListens):
                log.warning("reply.waiting", waits_for="NATS", turn=self._turn)
                await asyncio.sleep(RETRY_SECONDS)

    async def _mine(self, event_id: str, error: SequenceConflict) -> int:
        newer = await self._bus.read(REPLY_LOG, after=self._last, limit=1, session=self._session, turn=self._turn)
        if newer and newer[0].headers.get("ce-id") == event_id:
            return newer[0].sequence
        raise TurnLost(self._turn) from error
