"""`copilot chat`."""

from __future__ import annotations

import atexit
import os
import readline
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

import click

from actors.platform.config import load
from gateway.cli import show
from gateway.cli.client import Client
from gateway.cli.failure import explained
from gateway.cli.options import gateway_options
from gateway.cli.question import Question
from gateway.cli.running import web_address
from schemas.conversation import Message, ReplyEvent

PROMPT = "\001\033[1m\002you ›\001\033[0m\002 "  # \001…\002 tell readline what takes no room
REMEMBERED_LINES = 1_000
HELP = """\
Ask about the services in plain words, for example:
  What is the error rate for the payment service in the last hour?
  p95 latency of checkout today
  Is inventory healthy?
/new starts a new session, /help shows this, /quit (or Ctrl-D) leaves; Ctrl-C stops an answer."""


@click.command()
@click.option("--session", metavar="ID", help="Go on with this session; default: a new one.")
@gateway_options
def chat(session: str | None, url: str | None, token: str | None) -> None:
    """Talk with the copilot: answers are printed as they come.

    \b
    Example:
      copilot chat
      echo "Is checkout healthy?" | copilot chat
    """
    signal.signal(signal.SIGTERM, _end)  # the terminal is left as it was
    talk = Talk(Client(web_address(load(), url), token), session)
    if sys.stdin.isatty():
        _remember_lines()
        click.echo("Ask a question; /help shows how, /quit leaves.")
    while (line := _line()) is not None:
        if line and not talk.said(line):
            return


@dataclass(slots=True)
class Talk:
    client: Client
    session_id: str | None
    told: set[str] = field(default_factory=set[str])

    def said(self, line: str) -> bool:
        """Answers one line; False when it was the last."""
        match line.split():
            case ["/quit" | "/exit"]:
                return False
            case ["/help"]:
                click.echo(HELP)
            case ["/new"]:
                self.session_id = None
                click.echo("A new session.")
            case [word, *_] if word.startswith("/"):
                click.echo(f"There is no {word}; /help shows what there is.")
            case _:
                self._ask(line)
        return True

    def _ask(self, line: str) -> None:
        events = Question(line, session_id=self.session_id).events(self.client)
        try:
            self._below(show.streamed(events, self._note))
        except KeyboardInterrupt:
            click.echo("\n[stopped]")
        except Exception as error:
            told = explained(error)
            if told is None:
                raise
            click.echo(f"copilot: {told}", err=True)
        finally:
            events.close()

    def _below(self, message: Message) -> None:
        """The evidence; what was done without is told once a chat."""
        lacking = [line for line in show.degraded(message) if line not in self.told]
        self.told.update(lacking)
        for line in (*show.brief(message), *lacking):
            click.secho(line, dim=True)

    def _note(self, event: ReplyEvent) -> None:
        self.session_id = event.session_id


def _end(*_: object) -> None:
    raise SystemExit(0)


def _line() -> str | None:
    """The next line, without the space around it; None at the end of the input."""
    try:
        return input(PROMPT if sys.stdin.isatty() else "").strip()
    except EOFError:
        if sys.stdin.isatty():
            click.echo()
        return None
    except KeyboardInterrupt:
        click.echo()
        return ""


def _remember_lines() -> None:
    """Arrow keys find the lines of earlier chats. Without a place to keep them the chat works all the same."""
    home = os.environ.get("XDG_STATE_HOME", "~/.local/state")
    path = Path(home).expanduser() / "copilot" / "chat_history"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        readline.read_history_file(path)
    except OSError as error:
        click.echo(f"(earlier lines cannot be kept: {error})", err=True)
        return
    readline.set_history_length(REMEMBERED_LINES)
    atexit.register(readline.write_history_file, path)
