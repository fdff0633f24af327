"""`copilot doctor`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from actors.cli import checks
from actors.cli.checks import Finding
from actors.platform.config import ConfigurationError, load
from gateway.cli.running import find

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
def doctor() -> None:
    """Check this machine, the configuration and the servers that it names.

    Each line is ok, warn or fail, with the remedy. The exit code is 1 when something fails.

    \b
    Example:
      copilot doctor
      COPILOT_DATABASE__URL=postgresql://copilot@db/copilot copilot doctor
    """
    failed = False
    for finding in examine():
        failed = failed or finding.level == "fail"
        level = click.style(f"{finding.level:4}", fg=COLOURS[finding.level])
        click.echo(f"{level}  {finding.what}: {finding.text}")
        if finding.remedy:
            click.echo(f"      {finding.remedy}")
    if failed:
        raise click.exceptions.Exit(1)


def examine() -> Iterator[Finding]:
    """All findings, the quick ones first; what needs valid settings is left out without them."""
    yield from checks.machine()
    try:
        settings = load()
    except ConfigurationError as error:
        for line in str(error).splitlines():
            yield Finding("fail", "configuration", line, "correct it; `.env.example` lists every setting")
        return
    yield Finding("ok", "configuration", f"valid, auth.mode is {settings.auth.mode}")
    running = find(settings.data_path)
    yield from checks.data_directory(settings)
    yield from checks.programs(settings)
    yield from checks.ports(settings, running)
    yield from asyncio.run(checks.servers(settings))
    yield Finding("ok", "system", f"runs (pid {running.pid}): {running.told}" if running else "does not run here")
