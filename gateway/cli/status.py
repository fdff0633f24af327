"""`copilot status`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import click

from actors.platform.config import Settings, load
from gateway.cli import running, show
from gateway.cli.client import Client
from gateway.cli.failure import Failed, explained
from gateway.cli.link import bus
from gateway.cli.options import gateway_options
from schemas.subjects import SUPERVISOR_STATUS
from schemas.system import StatusRequest

SECONDS = 3.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@gateway_options
def status(as_json: bool, url: str | None, token: str | None) -> None:
    """Show addresses, processes and whether every part answers.

    The exit code is 0 only when the system is ready.

    \b
    Example:
      copilot status
      copilot status --json | jq -r .addresses.http
    """
    report = gather(load(), url, token)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        for line in _lines(report):
            click.echo(line)
    if not report["ready"]:
        raise click.exceptions.Exit(1)


def gather(settings: Settings, url: str | None = None, token: str | None = None) -> dict[str, Any]:
    """What `--json` prints. Raises Failed when nothing runs here and nobody answers at the address."""
    found = None if url else running.find(settings.data_path)
    client = Client(running.web_address(settings, url), token)
    told: dict[str, Any] = {"addresses": {"http": client.url}, "processes": [], "notes": []}
    if found is not None:
        told.update(found.state)
    told.pop("started_ticks", None)
    notes: list[str] = list(told.pop("notes"))
    ready, dependencies = _readiness(client, settings, known=found is not None, notes=notes)
    if found is not None:
        told["processes"] = _processes(settings, told["processes"], notes)
    return {"running": True, "ready": ready, **told, "dependencies": dependencies, "notes": notes}


def _readiness(client: Client, settings: Settings, *, known: bool, notes: list[str]) -> tuple[bool, list[Any]]:
    try:
        code, body = client.get("/ready")
    except (Failed, ConnectionError) as error:
        if not known:
            raise Failed(
                f"{running.NOT_RUNNING.format(data=settings.data_path)} ({client.url} does not answer)"
            ) from error
        notes.append(f"the gateway does not answer at {client.url}")
        return False, []
    return code == 200, body.get("dependencies", [])


def _processes(settings: Settings, known: list[dict[str, Any]], notes: list[str]) -> list[dict[str, Any]]:
    """The file's list with the actors as the supervisor sees them now, and what has ended marked so."""
    others = [one for one in known if one["kind"] != "actor"]
    for one in others:
        if one["pid"] is None or running.started_ticks(one["pid"]) is None:
            one["state"] = "gone"
    try:
        return [*others, *asyncio.run(_actors(settings))]
    except Exception as error:
        told = explained(error)
        if told is None:
            raise
        notes.append(f"the supervisor does not answer, its actors are as they were: {told}")
        return known


async def _actors(settings: Settings) -> list[dict[str, Any]]:
    async with bus(running.bus_address(settings)) as link:
        states = await link.request(SUPERVISOR_STATUS, StatusRequest(), seconds=SECONDS)
    return [{"kind": "actor", **actor.model_dump(exclude_defaults=True)} for actor in states.actors]


def _lines(report: dict[str, Any]) -> Iterator[str]:
    what = f" (pid {report['pid']}, {report['runtime']}, data in {report['data_dir']})" if "pid" in report else ""
    yield f"The copilot is {'ready' if report['ready'] else 'NOT ready'}{what}."
    yield ""
    yield from show.table(("address", ""), report["addresses"].items())
    if report["processes"]:
        yield ""
        yield from show.processes_table(report["processes"])
    yield ""
    yield from show.table(
        ("part", "status", "ms", ""),
        [
            (one["name"], one["status"], _milliseconds(one.get("latency_ms")), one.get("message", ""))
            for one in report["dependencies"]
        ],
    )
    yield from (f"note: {note}" for note in report["notes"])


def _milliseconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"
