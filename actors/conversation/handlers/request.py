"""What a handler works on, and what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from actors.conversation.colleagues import Colleagues
from schemas.adapters import Degraded, Evidence
from schemas.context import WorkingMemory
from schemas.conversation import Clarification
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
    """What a handler says, and what the conversation remembers of it."""

    content: str
    evidence: tuple[Evidence, ...] = ()
    memory: WorkingMemory = field(default_factory=WorkingMemory)
    suggestions: tuple[str, ...] = ()
    degraded: tuple[Degraded, ...] = ()
    clarification: Clarification | None = None


Handle = Callable[[Request], Awaitable[Said]]
