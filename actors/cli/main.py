"""`copilot`: the table of commands. Each is imported when it is used: `--help` answers at once."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import click

from gateway.cli.failure import Failed, explained
from gateway.cli.later import LATER, command

DISTRIBUTION = "llm-copilot-agent"


@dataclass(frozen=True, slots=True)
class Entry:
    """`command` is `module:attribute`."""

    command: str
    help: str

    def load(self) -> click.Command:
        module, _, name = self.command.partition(":")
        return cast("click.Command", getattr(importlib.import_module(module), name))


COMMANDS = {
    "up": Entry("actors.cli.up:up", "Start everything and open the chat."),
    "down": Entry("actors.cli.down:down", "Stop what runs."),
    "status": Entry("gateway.cli.status:status", "Show addresses, processes and whether every part answers."),
    "ask": Entry("gateway.cli.ask:ask", "Ask one question."),
    "chat": Entry("gateway.cli.chat:chat", "Talk with the copilot."),
    "doctor": Entry("actors.cli.doctor:doctor", "Check this machine and the configuration."),
    "config": Entry("actors.cli.config:config", "Show the settings in effect."),
    "token": Entry("gateway.cli.token:token", "Create tokens for JWT mode."),
    "nlu": Entry("actors.cli.nlu:nlu", "Score how sentences are understood."),
    "eval": Entry("actors.cli.scoring:evaluate", "Score the copilot on annotated data."),
    "scale": Entry("actors.cli.scale:scale", "Change how many actors a pool has."),
    "migrate": Entry("actors.cli.migrate:migrate", "Bring the database's schema up to date."),
    "gateway": Entry("actors.cli.gateway:gateway", "Run a gateway alone."),
    "actors": Entry("actors.cli.actors:actors", "Run actor pools alone."),
    "workflow": Entry("actors.cli.workflow:workflow", "Validate, run and steer workflows."),
}


class Table(click.Group):
    """Shows one expected error as one line; a defect keeps its traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in LATER:
            return command(cmd_name)
        entry = COMMANDS.get(cmd_name)
        return entry.load() if entry else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])
        with formatter.section("Not available yet"):
            formatter.write_dl([(name, text) for name, (text, _) in LATER.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click itself knows what to do with them
        except Exception as error:
            told = explained(error)
            if told is None:
                raise
            raise Failed(told) from error


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"copilot {version(DISTRIBUTION)} (Python {sys.version.split()[0]})")
        ctx.exit()


@click.command(cls=Table, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
def cli() -> None:
    """The conversational front of an operations platform: ask in plain words, get the answer with its evidence.

    \b
    Example:
      copilot up
      copilot ask "What is the error rate for the payment service in the last hour?"
    """


def main() -> NoReturn:
    cli(prog_name="copilot")
    raise SystemExit(0)


if __name__ == "__main__":
    main()
