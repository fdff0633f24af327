"""`copilot migrate`."""

from __future__ import annotations

import asyncio

import click

from actors.platform.config import load, mask_url
from actors.platform.store import migrate as migrations
from gateway.cli.failure import Failed
from gateway.cli.running import find


@click.command()
def migrate() -> None:
    """Apply the migrations that the configured database, or the running embedded one, lacks.

    \b
    Example:
      COPILOT_DATABASE__URL=postgresql://copilot@db/copilot copilot migrate
    """
    settings = load()
    running = find(settings.data_path)
    url = settings.database.url or (running.addresses["postgresql"] if running else None)
    if not url:
        raise Failed(
            "there is no database to migrate: set COPILOT_DATABASE__URL, "
            "or start the embedded one with `copilot up`, which migrates it"
        )
    applied = asyncio.run(migrations.migrate(url))
    for name in applied:
        click.echo(f"applied {name}")
    known = len(migrations.available())
    click.echo(f"{mask_url(url)} has all {known} migrations; {len(applied)} of them are new")
