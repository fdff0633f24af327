"""The actions of this pool that are not the engine's own, for `registry.Actions`."""

from __future__ import annotations

from actors.platform.config import WorkflowSettings
from actors.workflow.actions.check import CheckAction, CheckAsks
from actors.workflow.actions.command import CommandAction
from actors.workflow.actions.command_asks import CommandAsks
from actors.workflow.actions.http import HttpAction
from actors.workflow.actions.http_asks import HttpAsks
from actors.workflow.actions.registry import Entry


class Outside:
    """Raises ValueError for an entry of `workflow.http_allow` that is none. `close` when the actor ends."""

    def __init__(self, settings: WorkflowSettings) -> None:
        self._http = HttpAction(settings.http_allow, settings.http_seconds)
        self._command = CommandAction(settings)

    @property
    def entries(self) -> dict[str, Entry]:
        return {
            "core.check": (CheckAsks, CheckAction()),
            "core.http": (HttpAsks, self._http),
            "core.command": (CommandAsks, self._command),
        }

    async def close(self) -> None:
        await self._http.close()
