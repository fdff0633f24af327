"""The life of a turn: understand, respond, tell, close."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from actors.conversation import answers
from actors.conversation.colleagues import Colleagues
from actors.conversation.handlers import Request, Said, remembered, respond
from actors.conversation.ownership import MAX_EPOCH, OwnedTurn
from actors.conversation.reply import ReplyWriter, TurnLost
from actors.platform.bus import Bus, deadline_scope
from actors.platform.bus.ids import new_ulid
from actors.platform.guard.fault_points import fault_point
from actors.platform.store import Database, GroupCommit
from actors.platform.telemetry import Telemetry
from schemas.adapters import Degraded, Usage
from schemas.conversation import Message, parts_of
from schemas.errors import CopilotError, DeadlineExceeded, Internal, Problem, Unavailable
from schemas.nlp import Understanding, Utterance

log = structlog.get_logger(__name__)

NO_MODEL = Degraded(part="llm", reason="no provider configured")
CLOSE_RETRY_SECONDS = 0.2


class TurnRunner:
    """Runs turns of one actor. `session_free` is called when a closed turn's session has a next one; `without` is
    what every answer has to do without."""

    def __init__(
        self,
        bus: Bus,
        database: Database,
        closes: GroupCommit,
        actor: str,
        turn_seconds: float,
        telemetry: Telemetry,
        session_free: Callable[[], None],
        without: tuple[Degraded, ...],
    ) -> None:
        self._bus = bus
        self._database = database
        self._closes = closes
        self._actor = actor
        self._turn_seconds = turn_seconds
        self._telemetry = telemetry
        self._session_free = session_free
        self._without = without
        self._ask = Colleagues(bus)
        self._turns = telemetry.counter("copilot_turns", "Closed turns.", ("state", "intent"))
        self._seconds = telemetry.histogram("copilot_turn_seconds", "From acceptance to the stored reply.")

    async def run(self, turn: OwnedTurn) -> None:
        headers = {"traceparent": turn.traceparent} if turn.traceparent else {}
        with self._telemetry.server_span("turn", headers):
            reply = ReplyWriter.of(self._bus, turn, self._actor)
            try:
                if turn.epoch > 1:
                    await reply.take_over()
                await self._answer(turn, reply)
            except TurnLost:
                log.info("turn.lost", turn=turn.id, epoch=turn.epoch)
                await self._release(turn)
            except Exception:
                log.exception("turn.crashed", turn=turn.id, epoch=turn.epoch)
                await self._release(turn)

    async def _answer(self, turn: OwnedTurn, reply: ReplyWriter) -> None:
        try:
            if turn.epoch > MAX_EPOCH:
                raise Internal(f"gave up: {MAX_EPOCH} actors have ended while they worked on this turn")
            async with asyncio.timeout(self._turn_seconds):
                with deadline_scope(time.monotonic() + self._turn_seconds):
                    meaning, said = await self._think(turn, reply)
        except TurnLost:
            raise
        except CopilotError as error:
            await self._fail(turn, reply, error.problem())
        except TimeoutError:
            late = DeadlineExceeded(f"the turn took longer than {self._turn_seconds:g} s")
            await self._fail(turn, reply, late.problem())
        except Exception:
            # The border of a turn: whatever went wrong, the turn ends with a stored, honest reply.
            log.exception("turn.failed", turn=turn.id)
            unexpected = Internal("an unexpected error; the log of the actor has the details")
            await self._fail(turn, reply, unexpected.problem())
        else:
            await self._complete(turn, reply, meaning, said)

    async def _release(self, turn: OwnedTurn) -> None:
        """Whoever may write the reply is decided in the store. A turn that is still this actor's there, although
        its stream was disturbed, is given back, and claimed again with a higher epoch."""
        params = {"owner": turn.owner, "turn_id": turn.id, "actor": self._actor, "epoch": turn.epoch}
        await self._database.run("release_turn", params)
        self._session_free()

    async def _think(self, turn: OwnedTurn, reply: ReplyWriter) -> tuple[Understanding, Said]:
        as_of = turn.as_of or turn.accepted_at
        meaning = await self._ask.understand(
            Utterance(text=turn.content, as_of=as_of, timezone=turn.timezone, memory=turn.memory)
        )
        await reply.started(meaning.intent, meaning.entities)
        await fault_point("turn.started")
        said = await respond(Request(meaning, turn.memory, turn.identity, as_of, turn.timezone, self._ask))
        await reply.evidence(said.evidence)
        for chunk in answers.chunks(said.content):
            await reply.chunk(chunk)
        await fault_point("turn.said")
        return meaning, said

    async def _complete(self, turn: OwnedTurn, reply: ReplyWriter, meaning: Understanding, said: Said) -> None:
        message = _message(turn, meaning, said, self._without)
        await self._close(
            turn,
            {
                "state": "done",
                "events": reply.sequence + 1,
                "problem": None,
                "message_id": message.id,
                "body": message.model_dump_json(),
                "memory": remembered(meaning, said).model_dump_json(),
                "created_at": message.created_at,
            },
        )
        await fault_point("turn.closed")
        self._turns.labels("done", meaning.intent.name).inc()
        await reply.completed(message)
        await fault_point("turn.told")

    async def _fail(self, turn: OwnedTurn, reply: ReplyWriter, problem: Problem) -> None:
        await self._close(
            turn,
            {
                "state": "failed",
                "events": reply.sequence + 1,
                "problem": problem.model_dump_json(),
                "message_id": None,
                "body": None,
                "memory": None,
                "created_at": None,
            },
        )
        self._turns.labels("failed", "").inc()
        await reply.failed(problem)

    async def _close(self, turn: OwnedTurn, outcome: dict[str, object]) -> None:
        """Stores the reply; from then on it is the turn's only one. Raises TurnLost when it belongs to another."""
        record = {
            **outcome,
            "owner": turn.owner,
            "turn_id": turn.id,
            "actor": self._actor,
            "epoch": turn.epoch,
        }
        while True:
            try:
                row = await self._closes.write(turn.session_id, record)
                break
            except Unavailable as error:
                log.warning("turn.waiting", waits_for="PostgreSQL", turn=turn.id, error=error.detail)
                await asyncio.sleep(CLOSE_RETRY_SECONDS)
        if row is None:
            raise TurnLost(turn.id)
        self._seconds.observe(_elapsed(turn.accepted_at))
        if row["waiting"]:
            self._session_free()


def _message(turn: OwnedTurn, meaning: Understanding, said: Said, without: tuple[Degraded, ...]) -> Message:
    return Message(
        id=new_ulid(),
        session_id=turn.session_id,
        turn_id=turn.id,
        content=said.content,
        intent=meaning.intent,
        entities=meaning.entities,
        evidence=said.evidence,
        clarification=said.clarification,
        parts=parts_of(meaning),
        actions=said.actions,
        suggestions=said.suggestions,
        degraded=(*said.degraded, *meaning.degraded, *without),
        usage=meaning.usage or Usage(),
        latency_ms=round(_elapsed(turn.accepted_at) * 1000),
        created_at=datetime.now(UTC),
    )


def _elapsed(since: datetime) -> float:
    """Seconds; never negative, although the database's clock and this one may differ a little."""
    return max(0.0, (datetime.now(UTC) - since).total_seconds())
