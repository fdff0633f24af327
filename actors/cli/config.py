"""`copilot config`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import click

from actors.platform.config import load, printable
from gateway.cli import show
from gateway.cli.running import find


@click.group()
def config() -> None:
    """Show the settings in effect.

    \b
    Example:
      copilot config show
    """


@config.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show_settings(as_json: bool) -> None:
    """Print every setting, and, while the system runs, every address and process. Secrets are left out.

    \b
    Example:
      copilot config show --json | jq .settings.server
    """
    settings = load()
    running = find(settings.data_path)
    told: dict[str, Any] = {
        "settings": {**printable(settings), "data_dir": str(settings.data_path)},
        "running": running is not None,
        "addresses": running.addresses if running else {},
        "processes": running.state["processes"] if running else [],
    }
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for name, value in _flat(told["settings"]):
        click.echo(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    click.echo("" if running else "\nNothing runs on this data directory.")
    for line in show.table(("address", ""), told["addresses"].items()) if running else ():
        click.echo(line)


def _flat(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _flat(cast("dict[str, Any]", value), f"{path}{key}.")
        else:
            yield f"{path}{key}", value
