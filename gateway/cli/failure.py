"""What a command says when it cannot: one clear line on stderr, and an exit code that is not 0."""

from __future__ import annotations

from typing import IO, Any

import click

# Named, not imported: a command pays only for what it uses.
_EXPECTED = frozenset(
    {
        "actors.platform.config.ConfigurationError",
        "actors.platform.store.migrate.MigrationError",
        "actors.embedded.errors.EmbeddedError",
        "psycopg.Error",
        "nats.errors.Error",
    }
)


class Failed(click.ClickException):
    """An expected failure; the message names the remedy."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"copilot: {self.message}", file=file, err=file is None)


def explained(error: Exception) -> str | None:
    """What to say of an error that a user can do something about; None for a defect, which keeps its traceback."""
    from schemas.errors import CopilotError

    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, CopilotError):
        return "\n".join((error.detail, *(f"  {one.pointer or '/'}: {one.detail}" for one in error.violations)))
    if isinstance(error, OSError) or _EXPECTED.intersection(_ancestry(error)):
        return str(error).strip() or type(error).__name__
    return None


def _ancestry(error: Exception) -> set[str]:
    return {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
