"""What a handler works on, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from actors.conversation.colleagues import Colleagues
from schemas.adapters import Degraded, Evidence
from schemas.context import Offer, Shown, WorkingMemory
from schemas.conversation import ActionRef, Clarification
from schemas.identity import Identity
from schemas.nlp import Understanding
from schemas.plans import Plan, TimeRange


@dataclass(frozen=True, slots=True)
class Request:
    """What a handler works on; `as_of` is the instant the question is asked for."""

    meaning: Understanding
    memory: WorkingMemory
    identity: Identity
    as_of: datetime
    timezone: str
    ask: Colleagues

    @property
    def plan(self) -> Plan:
        if self.meaning.plan is None:
            raise ValueError(f"intent {self.meaning.intent.name} came without a plan")
        return self.meaning.plan

    @property
    def window(self) -> TimeRange:
        if self.plan.range is None:
            raise ValueError(f"intent {self.meaning.intent.name} came without a range")
        return self.plan.range


@dataclass(frozen=True, slots=True)
class Said:
    """What a handler says. What was asked is remembered without it; `offer` and `shown` are what it adds."""

    content: str
    evidence: tuple[Evidence, ...] = ()
    offer: Offer | None = None
    shown: Shown | None = None
    """The list that `content` shows, if it shows one."""
    actions: tuple[ActionRef, ...] = ()
    suggestions: tuple[str, ...] = ()
    degraded: tuple[Degraded, ...] = ()
    clarification: Clarification | None = None


def remembered(meaning: Understanding, said: Said) -> WorkingMemory:
    """What the next turn of the session starts from."""
    return meaning.memory.model_copy(update={"offer": said.offer, "shown": said.shown or meaning.memory.shown})


Handle = Callable[[Request], Awaitable[Said]]
