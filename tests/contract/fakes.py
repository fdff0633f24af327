"""A double of the pools behind the gateway: sessions per owner, turns one at a time per session, reply events in
the stream. It speaks through the bus alone, so the gateway cannot tell it from the real pools.

What a turn does can be scripted by its content: `chunks N` sends N pieces of text, `large N` N pieces of 64 KB,
`fail` ends with a problem, `hold` waits after its first event until released; anything else gets three pieces.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from actors.platform.bus import Bus
from actors.platform.bus.identity import identify
from actors.platform.bus.ids import new_session_id, new_ulid
from actors.platform.bus.transport import Transport
from actors.platform.config import Settings
from actors.platform.telemetry import Telemetry
from schemas.adapters import (
    BackendState,
    Command,
    Evidence,
    EvidenceRange,
    EvidenceResult,
    MetricAnswer,
    Outcome,
    Translation,
)
from schemas.context import (
    Deleted,
    Done,
    IdempotencyClaim,
    IdempotencyResult,
    IdempotencyState,
    NewSession,
    PageRequest,
    Session,
    SessionMemory,
    SessionPage,
    SessionRef,
    WorkingMemory,
)
from schemas.conversation import (
    FINAL,
    HistoryPage,
    Message,
    ReplyChunk,
    ReplyCompleted,
    ReplyEvent,
    ReplyEvidence,
    ReplyFailed,
    ReplyStarted,
    SessionTurnList,
    SessionTurns,
    SubmitTurn,
    TurnAccepted,
    TurnOutcome,
    TurnRef,
    UserMessage,
)
from schemas.envelope import Envelope
from schemas.errors import BackendUnavailable, Forbidden, IdempotencyMismatch, NotFound, Unavailable
from schemas.identity import Identity
from schemas.measures import Measured, MeasuredValue
from schemas.nlp import Understanding, Utterance
from schemas.subjects import (
    ACT,
    CLAIM_KEY,
    CREATE_SESSION,
    DELETE_SESSION,
    FINISH_KEY,
    GET_SESSION,
    HISTORY,
    LIST_SESSIONS,
    METRICS,
    PING,
    REPLY_FINISHED,
    REPLY_LOG,
    SESSION_MEMORY,
    SESSION_TURNS,
    SUBMIT_TURN,
    TURN_OUTCOME,
    UNDERSTAND,
)
from schemas.system import MetricsReport, MetricsRequest, Ping, Pong
from tests.contract.understanding import AT, INTENT, PLAN, RANGE, understood


def evidence(query: str = "up") -> Evidence:
    return Evidence(
        module="observatory",
        backend="prometheus",
        language="promql",
        query=query,
        range=EvidenceRange(start=RANGE.start, end=RANGE.end, step_seconds=15),
        result=EvidenceResult(kind="scalar", name="error_ratio", value=0.0023, unit="ratio"),
    )


@dataclass
class StoredTurn:
    id: str
    session_id: str
    content: str
    tell: str | None = None
    state: str = "queued"
    events: list[ReplyEvent] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def outcome(self) -> TurnOutcome:
        last = self.events[-1] if self.events else None
        return TurnOutcome(
            state=self.state,  # type: ignore[arg-type]
            events=len(self.events) if self.state in ("done", "failed") else 0,
            message=last.message if isinstance(last, ReplyCompleted) else None,
            problem=last.problem if isinstance(last, ReplyFailed) else None,
        )


class PoolsDouble:
    def __init__(self, transport: Transport, settings: Settings) -> None:
        self.settings = settings
        self.telemetry = Telemetry("conversation", "conversation-0")
        self.bus = Bus(transport, "conversation-0", self.telemetry)
        self.sessions: dict[str, Session] = {}
        self.turns: dict[tuple[str, str], StoredTurn] = {}
        self.order: dict[str, list[str]] = {}
        self.keys: dict[tuple[str, str], tuple[str, str, IdempotencyState]] = {}
        self.by_key: dict[tuple[str, str, str], tuple[str, StoredTurn]] = {}
        self.locks: dict[str, asyncio.Lock] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.submissions = 0
        self.created = 0
        self.store_up = True
        self.out_of_order = False

    async def start(self) -> None:
        await self.bus.connect()
        await self.bus.ensure_streams()
        for request, handler in (
            (SUBMIT_TURN, self.submit),
            (TURN_OUTCOME, self.outcome),
            (HISTORY, self.history),
            (SESSION_TURNS, self.session_turns),
            (CREATE_SESSION, self.create_session),
            (GET_SESSION, self.get_session),
            (LIST_SESSIONS, self.list_sessions),
            (SESSION_MEMORY, self.session_memory),
            (DELETE_SESSION, self.delete_session),
            (CLAIM_KEY, self.claim_key),
            (FINISH_KEY, self.finish_key),
            (UNDERSTAND, self.understand),
            (METRICS, self.metrics),
        ):
            await self.bus.serve(request, handler)  # type: ignore[arg-type]
        for action in ("metric", "measure", "health", "query", "translate"):
            await self.bus.serve(ACT, self.act, module="observatory", action=action)
        for pool in self.settings.pools:
            await self.bus.serve(PING, self.ping(pool), queue=pool, pool=pool)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.bus.close()

    def turn(self, turn_id: str) -> StoredTurn:
        return next(turn for turn in self.turns.values() if turn.id == turn_id)

    # --- conversation ------------------------------------------------------------------------------

    async def submit(self, envelope: Envelope[SubmitTurn]) -> TurnAccepted:
        identity = identify(self.settings.auth, envelope.authorization)
        if not identity.may("chat"):
            raise Forbidden("may not chat")
        self.submissions += 1
        asked = envelope.data
        if asked.session_id is not None:
            self._mine(identity, asked.session_id)
        key = (identity.owner, envelope.source, envelope.id)
        known = self.by_key.get(key)
        if known is None and asked.turn_id is not None:
            same = self.turns.get((identity.owner, asked.turn_id))
            known = (same.content, same) if same else None
        if known is not None:
            content, turn = known
            if content != asked.content:
                raise IdempotencyMismatch("used for another message")
            return TurnAccepted(session_id=turn.session_id, turn_id=turn.id, duplicate=True)
        session_id = asked.session_id or new_session_id(identity.owner)
        if asked.session_id is None:
            self._add_session(session_id, NewSession(identity=identity))
        turn = StoredTurn(asked.turn_id or new_ulid(), session_id, asked.content, tell=envelope.tell)
        self.turns[identity.owner, turn.id] = turn
        self.by_key[key] = (asked.content, turn)
        self.order.setdefault(session_id, []).append(turn.id)
        task = asyncio.create_task(self._run(turn))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return TurnAccepted(session_id=session_id, turn_id=turn.id)

    async def _run(self, turn: StoredTurn) -> None:
        async with self.locks.setdefault(turn.session_id, asyncio.Lock()):
            turn.state = "running"
            await self._tell(turn, ReplyStarted, intent=INTENT)
            if turn.content.startswith("hold"):
                await turn.released.wait()
            if turn.content.startswith("fail"):
                await self._tell(turn, ReplyFailed, problem=BackendUnavailable("prometheus is down").problem())
                return
            await self._tell(turn, ReplyEvidence, evidence=evidence())
            words = turn.content.split()
            count = int(words[1]) if words[0] in ("chunks", "large") else 3
            padding = 64 * 1024 if words[0] == "large" else 0
            for number in range(count):
                await self._tell(turn, ReplyChunk, chunk=f"piece {number} " + "x" * padding)
            await self._tell(turn, ReplyCompleted, message=self._message(turn, count))

    async def _tell(self, turn: StoredTurn, kind: Any, **fields: Any) -> None:
        event = kind(session_id=turn.session_id, turn_id=turn.id, sequence=len(turn.events), **fields)
        turn.events.append(event)
        if event.type in FINAL:
            turn.state = "done" if event.type == "reply.completed" else "failed"
            if turn.tell:
                await self.bus.publish(REPLY_FINISHED, event, gateway=turn.tell)
        await self.bus.append(
            REPLY_LOG,
            event,
            kind=f"copilot.v1.{event.type}",
            expected=None,
            id=f"{turn.id}:{event.sequence}",
            session=turn.session_id,
            turn=turn.id,
        )

    def _message(self, turn: StoredTurn, count: int) -> Message:
        return Message(
            id=new_ulid(),
            session_id=turn.session_id,
            turn_id=turn.id,
            content="".join(f"piece {number} " for number in range(count)),
            intent=INTENT,
            evidence=(evidence(),),
            latency_ms=1,
            created_at=AT,
        )

    async def outcome(self, envelope: Envelope[TurnRef]) -> TurnOutcome:
        turn = self.turns.get((envelope.data.owner, envelope.data.turn_id))
        if turn is None or turn.session_id != envelope.data.session_id:
            raise NotFound("there is no such turn")
        return turn.outcome

    async def history(self, envelope: Envelope[PageRequest]) -> HistoryPage:
        session_id = envelope.data.session_id or ""
        self._mine(envelope.data.identity, session_id)
        items: list[UserMessage | Message] = []
        for turn_id in self.order.get(session_id, []):
            turn = self.turn(turn_id)
            items.append(
                UserMessage(
                    id=f"u{turn.id}", session_id=session_id, turn_id=turn.id, content=turn.content, created_at=AT
                )
            )
            if turn.outcome.message is not None:
                items.append(turn.outcome.message)
        page, cursor = _page(items, envelope.data)
        return HistoryPage(items=tuple(page), next_cursor=cursor)

    async def session_turns(self, envelope: Envelope[SessionTurns]) -> SessionTurnList:
        ids = self.order.get(envelope.data.session_id, [])
        after = envelope.data.after_turn
        return SessionTurnList(turn_ids=tuple(ids[ids.index(after) + 1 :] if after in ids else ids))

    # --- context -----------------------------------------------------------------------------------

    def _mine(self, identity: Identity, session_id: str) -> Session:
        session = self.sessions.get(session_id)
        mine = session_id.startswith(identity.owner) or identity.may("session.any")
        if session is None or not mine:
            raise NotFound("there is no such session of yours")
        return session

    def _add_session(self, session_id: str, new: NewSession) -> Session:
        self.created += session_id not in self.sessions
        return self.sessions.setdefault(
            session_id,
            Session(
                id=session_id,
                name=new.name,
                timezone=new.timezone,
                metadata=new.metadata,
                created_at=AT,
                updated_at=AT,
            ),
        )

    async def create_session(self, envelope: Envelope[NewSession]) -> Session:
        if self.out_of_order:
            raise Unavailable("out of order for a moment")
        return self._add_session(envelope.data.id or new_session_id(envelope.data.identity.owner), envelope.data)

    async def get_session(self, envelope: Envelope[SessionRef]) -> Session:
        return self._mine(envelope.data.identity, envelope.data.id)

    async def session_memory(self, envelope: Envelope[SessionRef]) -> SessionMemory:
        session = self._mine(envelope.data.identity, envelope.data.id)
        asked = [self.turn(turn_id).content for turn_id in self.order.get(session.id, [])]
        known = PLAN if any("error rate" in content for content in asked) else None
        return SessionMemory(memory=WorkingMemory(plan=known), timezone=session.timezone)

    async def list_sessions(self, envelope: Envelope[PageRequest]) -> SessionPage:
        owner = envelope.data.identity.owner
        page, cursor = _page([s for s in self.sessions.values() if s.id.startswith(owner)], envelope.data)
        return SessionPage(items=tuple(page), next_cursor=cursor)

    async def delete_session(self, envelope: Envelope[SessionRef]) -> Deleted:
        self._mine(envelope.data.identity, envelope.data.id)
        del self.sessions[envelope.data.id]
        return Deleted(id=envelope.data.id)

    async def claim_key(self, envelope: Envelope[IdempotencyClaim]) -> IdempotencyState:
        claim = envelope.data
        known = self.keys.get((claim.owner, claim.key))
        if known is None:
            state = IdempotencyState(state="new", resource_id=new_ulid())
            running = state.model_copy(update={"state": "running"})
            self.keys[claim.owner, claim.key] = (claim.fingerprint, state.resource_id, running)
            return state
        if known[0] != claim.fingerprint:
            raise IdempotencyMismatch("the key was used with another body")
        return known[2]

    async def finish_key(self, envelope: Envelope[IdempotencyResult]) -> Done:
        result = envelope.data
        fingerprint, resource_id, _ = self.keys[result.owner, result.key]
        if result.status is None:
            del self.keys[result.owner, result.key]
            return Done()
        done = IdempotencyState(state="done", resource_id=resource_id, status=result.status, body=result.body)
        self.keys[result.owner, result.key] = (fingerprint, resource_id, done)
        return Done()

    # --- the others --------------------------------------------------------------------------------

    async def understand(self, envelope: Envelope[Utterance]) -> Understanding:
        return understood(envelope.data)

    async def act(self, envelope: Envelope[Command]) -> Outcome:
        given = envelope.data.input
        if "query" in given:
            return Outcome(output={}, evidence=(evidence(given["query"]),))
        if given.get("course"):
            value = MeasuredValue(value=0.0023)
            told = Measured(name="error_ratio", words="error rate", unit="ratio", range=RANGE, figure=value)
            return Outcome(output=told.model_dump(mode="json"), evidence=(evidence(),))
        if "intent" in given:
            translated = Translation(language="promql", query="up", range=RANGE, unit="ratio", explanation="Up.")
            return Outcome(output=translated.model_dump(mode="json"))
        answer = MetricAnswer(metric="error_rate", service="payment", value=0.0023, unit="ratio")
        return Outcome(output=answer.model_dump(mode="json"), evidence=(evidence(),))

    def ping(self, pool: str) -> Any:
        async def pong(envelope: Envelope[Ping]) -> Pong:
            status = "up" if self.store_up else "down"
            store = BackendState(name="postgresql", status=status)  # type: ignore[arg-type]
            return Pong(pool=pool, process=f"{pool}-0", dependencies=(store,) if pool == "context" else ())

        return pong

    async def metrics(self, envelope: Envelope[MetricsRequest]) -> MetricsReport:
        return self.telemetry.report(expected=(("conversation", "conversation-0"), ("nlp", "nlp-7")))


def _page(items: list[Any], request: PageRequest) -> tuple[list[Any], str | None]:
    start = 0
    if request.cursor is not None:
        with contextlib.suppress(ValueError):
            start = int(request.cursor)
    end = start + request.limit
    return items[start:end], str(end) if end < len(items) else None
