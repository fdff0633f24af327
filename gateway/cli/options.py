"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
TOKEN_VARIABLE = "COPILOT_CLIENT_TOKEN"  # noqa: S105 - the name of a variable, not a secret


def gateway_options(command: F) -> F:
    """`--url` and `--token`: which gateway, and who is asking."""
    url = click.option("--url", metavar="URL", help="The gateway's address; default: the running system's.")
    token = click.option(
        "--token",
        metavar="TOKEN",
        envvar=TOKEN_VARIABLE,
        help=f"Needed in JWT mode; also read from {TOKEN_VARIABLE}.",
    )
    return url(token(command))
