"""`copilot workflow`: the table of its commands. Each is imported when it is used."""

from __future__ import annotations

import importlib
from typing import cast

import click

from gateway.cli.later import WORKFLOW_LATER, named

COMMANDS = {"validate": "actors.cli.validate:validate"}
"""Name -> `module:attribute`."""


class Table(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *WORKFLOW_LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in WORKFLOW_LATER:
            return named(cmd_name, f"workflow {cmd_name}", *WORKFLOW_LATER[cmd_name])
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        return cast("click.Command", getattr(importlib.import_module(module), attribute))


@click.group(cls=Table)
def workflow() -> None:
    """Validate, run and steer workflows.

    \b
    Example:
      copilot workflow validate deploy.yaml
    """
