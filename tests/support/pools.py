"""Actors in this process on the real servers, and scripted colleagues where a test needs to steer them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from actors.context.actor import ContextActor
from actors.conversation.actor import ConversationActor
from actors.platform.bus import Bus, Stored
from actors.platform.bus.nats import NatsTransport
from actors.platform.config import Settings
from actors.platform.pool.actor import Place
from schemas.context import WorkingMemory
from schemas.conversation import REPLY_EVENT, ReplyEvent, SubmitTurn, TurnAccepted
from schemas.envelope import Envelope
from schemas.identity import LOCAL_ADMINISTRATOR
from schemas.nlp import Handling, Intent, Understanding, Utterance
from schemas.subjects import REPLY_LOG, SUBMIT_TURN, UNDERSTAND


@dataclass
class ScriptedNlp:
    """Understands everything as small talk; a text that starts with "wait" is held until `gate` opens."""

    bus: Bus
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    heard: list[str] = field(default_factory=list[str])
    memories: list[WorkingMemory] = field(default_factory=list[WorkingMemory])
    working: int = 0
    most_at_once: int = 0

    async def open(self) -> None:
        await self.bus.serve(UNDERSTAND, self._understand)

    async def _understand(self, envelope: Envelope[Utterance]) -> Understanding:
        text = envelope.data.text
        self.heard.append(text)
        self.memories.append(envelope.data.memory)
        self.working += 1
        self.most_at_once = max(self.most_at_once, self.working)
        try:
            if text.startswith("wait"):
                await self.gate.wait()
            if text.startswith("crash"):
                raise RuntimeError("a scripted fault")
        finally:
            self.working -= 1
        return Understanding(
            intent=Intent(name="out_of_scope", confidence=1.0),
            handling=Handling(handler="out_of_scope", permission="chat"),
        )


@dataclass
class Stage:
    """A conversation on real NATS and PostgreSQL."""

    settings: Settings
    bus: Bus
    nlp: ScriptedNlp
    context: ContextActor
    actors: list[ConversationActor] = field(default_factory=list[ConversationActor])

    @classmethod
    async def set(cls, settings: Settings) -> Stage:
        bus = Bus(NatsTransport(settings.nats.url, "test"), "test")
        await bus.connect()
        await bus.ensure_streams()
        nlp_bus = Bus(NatsTransport(settings.nats.url, "nlp-0"), "nlp-0")
        await nlp_bus.connect()
        nlp = ScriptedNlp(nlp_bus)
        await nlp.open()
        context = ContextActor(Place("context", "context-0", settings))
        await context.start()
        return cls(settings, bus, nlp, context)

    async def conversation(self, slot: str = "conversation-0") -> ConversationActor:
        actor = ConversationActor(Place("conversation", slot, self.settings))
        await actor.start()
        self.actors.append(actor)
        return actor

    async def clear(self) -> None:
        self.nlp.gate.set()
        for actor in self.actors:
            await actor.stop()
        await self.context.stop()
        await self.nlp.bus.close()
        await self.bus.close()

    async def submit(
        self,
        content: str,
        session: str | None = None,
        *,
        turn: str | None = None,
        key: str | None = None,
        authorization: str | None = None,
    ) -> TurnAccepted:
        return await self.bus.request(
            SUBMIT_TURN,
            SubmitTurn(content=content, session_id=session, turn_id=turn),
            id=key,
            source="idempotency-key" if key else None,
            authorization=authorization,
        )

    async def stored(self, accepted: TurnAccepted) -> list[Stored]:
        return await self.bus.read(REPLY_LOG, session=accepted.session_id, turn=accepted.turn_id)

    async def events(self, accepted: TurnAccepted) -> list[ReplyEvent]:
        return [REPLY_EVENT.validate_json(item.body) for item in await self.stored(accepted)]

    async def finished(self, accepted: TurnAccepted) -> list[ReplyEvent]:
        """All events of a turn that has ended; [] before."""
        events = await self.events(accepted)
        return events if events and events[-1].type in ("reply.completed", "reply.failed") else []


LOCAL = LOCAL_ADMINISTRATOR
