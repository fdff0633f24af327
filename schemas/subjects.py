"""Every subject and stream, once. Reading this file is reading the system.

A `Request` is answered by one actor of the pool that serves it; an `Event` is told to whoever listens.
`public` subjects may be used by client credentials; everything else is closed to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel

from schemas import adapters, approvals, context, conversation, nlp, steps, system, triggers, workflow

ROOT = "copilot.v1."
AsksT = TypeVar("AsksT", bound=BaseModel)
AnswersT = TypeVar("AnswersT", bound=BaseModel)


_DOTTED = frozenset({"session", "run", "what"})  # the ids of sessions and runs are <owner>.<ulid>


def _fill(pattern: str, parts: dict[str, str]) -> str:
    """Raises ValueError where a part would change the shape of the subject."""
    for name, value in parts.items():
        dots_allowed = name in _DOTTED
        if not value or any(c in value for c in " \t\r\n*>") or ("." in value and not dots_allowed):
            raise ValueError(f"{value!r} cannot be the {name} of a subject")
    return pattern.format(**parts)


@dataclass(frozen=True, slots=True)
class Request(Generic[AsksT, AnswersT]):
    pattern: str
    asks: type[AsksT]
    answers: type[AnswersT]
    served_by: str
    public: bool = False
    everyone: bool = False
    """True: every process answers (no queue group)."""

    def subject(self, **parts: str) -> str:
        return _fill(self.pattern, parts)

    @property
    def type(self) -> str:
        return self.pattern.split(".{", 1)[0]


@dataclass(frozen=True, slots=True)
class Stream:
    """A JetStream stream; `subjects` are patterns. `async_persist`: an acknowledged event may be lost with the
    server's power, so only for what can be built again from PostgreSQL."""

    name: str
    subjects: tuple[str, ...]
    max_age_seconds: float
    max_bytes: int
    async_persist: bool = False
    republish: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Event(Generic[AsksT]):
    pattern: str
    tells: type[AsksT] | Any
    stream: Stream | None = None
    client_may_publish: bool = False
    client_may_subscribe: bool = False

    def subject(self, **parts: str) -> str:
        return _fill(self.pattern, parts)

    def all_of(self, session: str) -> str:
        """The wildcard over the turns of one session."""
        return _fill(self.pattern.rsplit(".", 1)[0], {"session": session}) + ".*"

    @property
    def type(self) -> str:
        return self.pattern.split(".{", 1)[0]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A durable reader of a stream, shared by all actors of a pool. `max_deliver` -1: the reader itself decides
    when to give up, since an outage of the store must not use up a message's attempts."""

    name: str
    event: Event[Any]
    served_by: str
    max_deliver: int
    ack_wait_seconds: float


# --- streams ---------------------------------------------------------------------------------------

EVENTS = Stream("EVENTS", (ROOT + "event.>",), max_age_seconds=7 * 86_400, max_bytes=1 << 30)
REPLIES = Stream(
    "REPLIES",
    (ROOT + "internal.reply.>", ROOT + "internal.fence.>"),
    max_age_seconds=3_600,
    max_bytes=1 << 30,
    async_persist=True,
    republish=(ROOT + "internal.reply.>", ROOT + "reply.>"),
)
STREAMS = (EVENTS, REPLIES)

# --- a turn ----------------------------------------------------------------------------------------

SUBMIT_TURN = Request(
    ROOT + "turn.submit", conversation.SubmitTurn, conversation.TurnAccepted, "conversation", public=True
)
TURN_EVENT = Event(ROOT + "event.turn", conversation.SubmitTurn, stream=EVENTS, client_may_publish=True)
ALERT_EVENT = Event(ROOT + "event.alert", BaseModel, stream=EVENTS, client_may_publish=True)
TURN_WAKE = Event(ROOT + "internal.turn.wake", system.TurnWake)
REPLY_LOG: Event[Any] = Event(ROOT + "internal.reply.{session}.{turn}", conversation.ReplyEvent, stream=REPLIES)
REPLY_FENCE = Event(ROOT + "internal.fence.{session}.{turn}", conversation.ReplyFence, stream=REPLIES)
REPLY_FINISHED: Event[Any] = Event(ROOT + "internal.finished.{gateway}", conversation.ReplyEvent)
REPLY: Event[Any] = Event(ROOT + "reply.{session}.{turn}", conversation.ReplyEvent, client_may_subscribe=True)
TURN_OUTCOME = Request(
    ROOT + "conversation.outcome", conversation.TurnRef, conversation.TurnOutcome, "conversation"
)
HISTORY = Request(ROOT + "conversation.history", context.PageRequest, conversation.HistoryPage, "conversation")
SESSION_TURNS = Request(
    ROOT + "conversation.turns", conversation.SessionTurns, conversation.SessionTurnList, "conversation"
)

# --- the pools -------------------------------------------------------------------------------------

UNDERSTAND = Request(ROOT + "nlp.understand", nlp.Utterance, nlp.Understanding, "nlp")
CREATE_SESSION = Request(ROOT + "context.session.create", context.NewSession, context.Session, "context")
GET_SESSION = Request(ROOT + "context.session.get", context.SessionRef, context.Session, "context")
SESSION_MEMORY = Request(ROOT + "context.session.memory", context.SessionRef, context.SessionMemory, "context")
LIST_SESSIONS = Request(ROOT + "context.session.list", context.PageRequest, context.SessionPage, "context")
DELETE_SESSION = Request(ROOT + "context.session.delete", context.SessionRef, context.Deleted, "context")
CLAIM_KEY = Request(
    ROOT + "context.idempotency.claim", context.IdempotencyClaim, context.IdempotencyState, "context"
)
FINISH_KEY = Request(ROOT + "context.idempotency.finish", context.IdempotencyResult, context.Done, "context")
ACT = Request(ROOT + "adapters.{module}.{action}", adapters.Command, adapters.Outcome, "adapters")

# --- workflows -------------------------------------------------------------------------------------
# Events stand below `workflow.`, requests below `workflows.`: who may hear the ones does not hear the others.

START_RUN = Request(ROOT + "workflows.start", workflow.StartRun, workflow.RunAccepted, "workflow")
CHECK_DEFINITION = Request(
    ROOT + "workflows.check", workflow.ValidateDefinition, workflow.DefinitionChecked, "workflow"
)
GET_RUN = Request(ROOT + "workflows.get", steps.RunRef, workflow.Run, "workflow")
LIST_RUNS = Request(ROOT + "workflows.list", workflow.RunList, workflow.RunPage, "workflow")
RUN_HISTORY = Request(ROOT + "workflows.history", workflow.EventsAfter, workflow.RunEvents, "workflow")
CANCEL_RUN = Request(ROOT + "workflows.cancel", workflow.ControlRun, workflow.RunChanged, "workflow")
PAUSE_RUN = Request(ROOT + "workflows.pause", workflow.ControlRun, workflow.RunChanged, "workflow")
RESUME_RUN = Request(ROOT + "workflows.resume", workflow.ControlRun, workflow.RunChanged, "workflow")
DECIDE = Request(ROOT + "workflows.decide", approvals.Decision, approvals.DecisionTaken, "workflow")
LIST_APPROVALS = Request(ROOT + "workflows.approvals", approvals.ApprovalList, approvals.ApprovalPage, "workflow")
LIST_TEMPLATES = Request(ROOT + "workflows.templates", workflow.TemplateList, workflow.Templates, "workflow")
CREATE_TRIGGER = Request(ROOT + "workflows.trigger.create", triggers.NewTrigger, triggers.Trigger, "workflow")
LIST_TRIGGERS = Request(ROOT + "workflows.trigger.list", triggers.TriggerList, triggers.TriggerPage, "workflow")
DELETE_TRIGGER = Request(
    ROOT + "workflows.trigger.delete", triggers.TriggerRef, triggers.TriggerDeleted, "workflow"
)
FIRE_WEBHOOK = Request(ROOT + "workflows.trigger.webhook", triggers.FireWebhook, workflow.RunAccepted, "workflow")
RUN_EVENT = Event(ROOT + "workflow.{run}.{what}", workflow.RunEvent, client_may_subscribe=True)
EMITTED = Event(ROOT + "event.emitted.{name}", workflow.Emitted, stream=EVENTS)
RUN_WAKE = Event(ROOT + "internal.workflow.wake", workflow.RunWake)
PROBE = Request(ROOT + "adapters.{module}.{action}.probe", adapters.Command, adapters.Probed, "adapters")

# --- the system itself -----------------------------------------------------------------------------

PING = Request(ROOT + "internal.ping.{pool}", system.Ping, system.Pong, "every pool")
ALIVE = Request(ROOT + "internal.alive.{slot}", system.Ping, system.Alive, "every pool")
METRICS = Request(
    ROOT + "internal.metrics", system.MetricsRequest, system.MetricsReport, "every pool", everyone=True
)
SCALE = Request(ROOT + "internal.supervisor.scale", system.ScaleRequest, system.PoolStates, "supervisor")
SUPERVISOR_STATUS = Request(
    ROOT + "internal.supervisor.status", system.StatusRequest, system.PoolStates, "supervisor"
)

TURN_READER = Consumer("turns", TURN_EVENT, "conversation", max_deliver=-1, ack_wait_seconds=10)

_DECLARED: list[object] = list(globals().values())
REQUESTS = tuple(cast("Request[Any, Any]", x) for x in _DECLARED if isinstance(x, Request))
EVENT_SUBJECTS = tuple(cast("Event[Any]", x) for x in _DECLARED if isinstance(x, Event))

CLIENT_INBOX = "_INBOX.>"


def client_publish() -> tuple[str, ...]:
    """What any client credential may publish or request."""
    return (
        *(request.pattern for request in REQUESTS if request.public),
        *(event.pattern for event in EVENT_SUBJECTS if event.client_may_publish),
    )


def client_subscribe(owner: str | None = None) -> tuple[str, ...]:
    """What a client credential may subscribe: its own owner's subjects; None is the local administrator."""
    return tuple(
        f"{event.type}.{owner}.>" if owner else f"{event.type}.>"
        for event in EVENT_SUBJECTS
        if event.client_may_subscribe
    )
