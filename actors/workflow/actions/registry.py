"""The one table of actions that a step can use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from actors.platform.bus import Bus
from actors.workflow.actions import asks
from actors.workflow.actions.adapters import AdapterAction
from actors.workflow.actions.engine import (
    EmitExecutor,
    NoopExecutor,
    SetExecutor,
    StartChild,
    SubWorkflowExecutor,
    WaitExecutor,
)
from actors.workflow.actions.port import Executor
from schemas.actions import ACTIONS
from schemas.adapters import Action, ActionClass
from schemas.identity import Permission

Entry = tuple[type[BaseModel], Executor]

PEOPLE: dict[str, type[BaseModel]] = {"core.approval": asks.Approval, "core.ask": asks.Question}
"""What waits for people; it has no executor and cannot take anything back."""


class Actions:
    """`more` are actions of other files, by name: what they ask, and who runs them."""

    def __init__(
        self,
        bus: Bus,
        start_child: StartChild,
        more: Mapping[str, Entry],
        adapters: Iterable[Action[Any, Any]] = ACTIONS,
    ) -> None:
        own: dict[str, Entry] = {
            "core.noop": (asks.Noop, NoopExecutor()),
            "core.set": (asks.SetValues, SetExecutor()),
            "core.wait": (asks.Wait, WaitExecutor()),
            "core.emit": (asks.Emit, EmitExecutor(bus)),
            "core.workflow": (asks.SubWorkflow, SubWorkflowExecutor(start_child)),
        }
        asked = {f"{one.module}.{one.name}": (one.asks, AdapterAction(bus, one)) for one in adapters}
        self._entries: dict[str, Entry] = {**own, **asked, **more}
        self.asks: Mapping[str, type[BaseModel]] = {
            name: entry[0] for name, entry in self._entries.items()
        } | PEOPLE
        """What every action asks, for the checks of a definition."""
        self.effects: Mapping[str, ActionClass] = {
            **{name: entry[1].effect for name, entry in self._entries.items()},
            **dict.fromkeys(PEOPLE, "pure"),
        }

    def executor(self, name: str) -> Executor:
        return self._entries[name][1]

    def permission(self, name: str) -> Permission | None:
        return None if name in PEOPLE else self._entries[name][1].permission
