"""`copilot ask`."""

from __future__ import annotations

import json

import click

from actors.platform.config import load
from gateway.cli import show
from gateway.cli.client import Client
from gateway.cli.options import gateway_options
from gateway.cli.question import Question
from gateway.cli.running import web_address
from schemas.conversation import ReplyCompleted, ReplyFailed
from schemas.errors import from_problem


@click.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--session", metavar="ID", help="Go on with this session; default: a new one.")
@click.option("--as-of", metavar="TIME", help="Answer as if asked at this RFC 3339 time.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole message as JSON.")
@gateway_options
def ask(
    text: tuple[str, ...],
    session: str | None,
    as_of: str | None,
    as_json: bool,
    url: str | None,
    token: str | None,
) -> None:
    """Ask one question; the answer is printed as it comes, its evidence below.

    \b
    Example:
      copilot ask "What is the error rate for the payment service in the last hour?"
      copilot ask --json "Is checkout healthy?" | jq .evidence
    """
    client = Client(web_address(load(), url), token)
    question = Question(" ".join(text), session_id=session, as_of=as_of)
    if as_json:
        click.echo(_whole(question, client))
        return
    message = show.streamed(question.events(client))
    for line in show.details(message):
        click.echo(line)
    click.echo(f"  session {message.session_id}", err=True)


def _whole(question: Question, client: Client) -> str:
    with show.Waiting("asking"):
        for event in question.events(client):
            if isinstance(event, ReplyFailed):
                raise from_problem(event.problem)
            if isinstance(event, ReplyCompleted):
                return json.dumps(event.message.model_dump(mode="json"), indent=2, ensure_ascii=False)
    raise ConnectionError("the reply ended without its last event")
