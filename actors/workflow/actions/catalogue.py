"""What every action asks, by name: all that is needed to check a definition where nothing runs."""

from __future__ import annotations

from pydantic import BaseModel

from actors.workflow.actions import asks
from actors.workflow.actions.check import CheckAsks
from actors.workflow.actions.command_asks import CommandAsks
from actors.workflow.actions.http_asks import HttpAsks
from actors.workflow.actions.registry import PEOPLE
from schemas.actions import ACTIONS

ASKS: dict[str, type[BaseModel]] = {
    "core.noop": asks.Noop,
    "core.set": asks.SetValues,
    "core.check": CheckAsks,
    "core.wait": asks.Wait,
    "core.emit": asks.Emit,
    "core.workflow": asks.SubWorkflow,
    "core.http": HttpAsks,
    "core.command": CommandAsks,
    **PEOPLE,
    **{f"{action.module}.{action.name}": action.asks for action in ACTIONS},
}
"""The same names and schemas as those of a running pool (a test holds them together)."""
