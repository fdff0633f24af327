"""`copilot token`."""

from __future__ import annotations

import re
from typing import get_args

import click

from actors.platform.bus.identity import create_token
from actors.platform.config import load
from gateway.cli.failure import Failed
from gateway.cli.options import TOKEN_VARIABLE
from schemas.identity import Role, owner_token

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@click.group()
def token() -> None:
    """Create tokens for JWT mode.

    \b
    Example:
      copilot token create --user ada --role operator
    """


@token.command()
@click.option("--user", required=True, help="Whose token it is.")
@click.option(
    "--role", "roles", multiple=True, required=True, type=click.Choice(get_args(Role)), help="May be repeated."
)
@click.option("--ttl", metavar="TIME", help="How long it lives, such as 90s, 30m, 1h or 7d.")
def create(user: str, roles: tuple[Role, ...], ttl: str | None) -> None:
    """Print a token, and nothing else, on stdout.

    \b
    Example:
      export COPILOT_CLIENT_TOKEN=$(copilot token create --user ada --role operator --ttl 1h)
    """
    settings = load()
    seconds = settings.auth.token_expiry_seconds if ttl is None else duration(ttl)
    made = create_token(settings.auth, user, roles, seconds)
    click.echo(made)
    click.echo(f"{user} as {', '.join(roles)}, for {seconds} s", err=True)
    click.echo(f"commands take it from {TOKEN_VARIABLE} or --token", err=True)
    owner = owner_token(user)
    click.echo(
        f"NATS: connect with it as the connection's token and the inbox prefix _INBOX.{owner}; "
        f"sessions of this user begin with {owner}.",
        err=True,
    )
    if settings.auth.mode == "local":
        click.echo("auth.mode is 'local': nobody asks for a token until COPILOT_AUTH__MODE=jwt", err=True)


def duration(text: str) -> int:
    """`90s`, `30m`, `1h`, `7d` or plain seconds, in seconds. Raises Failed."""
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", text.strip())
    if match is None:
        raise Failed(f"{text!r} is not a time to live: write it as 90s, 30m, 1h or 7d")
    return int(match[1]) * UNITS[match[2] or "s"]
