"""`core.command`: a program in a sandbox, for those who have the permission."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from actors.platform.config import WorkflowSettings
from actors.workflow.actions.command_asks import CommandAsks
from actors.workflow.actions.engine import parsed
from actors.workflow.actions.port import Call, Happened
from actors.workflow.actions.sandbox import Cell, Limits
from schemas.adapters import ActionClass
from schemas.errors import Forbidden, InvalidInput
from schemas.identity import Permission

SHOWN_CHARACTERS = 500
"""Of the end of what a failed command said."""


class CommandAction:
    """`environment` is what a step may pass on of, where the configuration lists the variable."""

    effect: ActionClass = "unsafe"
    permission: Permission | None = "command.run"
    interruptible = True

    def __init__(self, settings: WorkflowSettings, environment: Mapping[str, str] = os.environ) -> None:
        self._settings = settings
        self._environment = environment

    async def run(self, call: Call) -> Any:
        asked = parsed(CommandAsks, call.input)
        seconds = self._settings.command_seconds if call.seconds is None else call.seconds
        limits = Limits(cpu=max(1, round(seconds)), rlimit_as=self._settings.command_memory_mb << 20)
        variables = {**self._passed_on(asked), **asked.env}
        answer = await Cell(asked.command, asked.stdin.encode(), variables, asked.files, limits).run(seconds)
        if answer.exit_code not in asked.expect:
            said = (answer.stderr.strip() or answer.stdout.strip())[-SHOWN_CHARACTERS:]
            raise InvalidInput(f"{asked.command[0]} ended with exit code {answer.exit_code}: {said}")
        return answer.model_dump(mode="json")

    async def probe(self, call: Call) -> Happened | None:
        raise TypeError("only `probe` actions are asked whether they have happened")

    def _passed_on(self, asked: CommandAsks) -> dict[str, str]:
        for name in asked.pass_:
            if name not in self._settings.command_environment:
                raise Forbidden(f"the variable {name} is not listed in workflow.command_environment")
        return {name: self._environment[name] for name in asked.pass_ if name in self._environment}
