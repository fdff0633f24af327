"""`copilot scale`."""

from __future__ import annotations

import asyncio
import re

import click

from actors.cli.progress import Progress
from actors.platform.bus import Bus
from actors.platform.bus.identity import identify
from actors.platform.config import Settings, load
from actors.pools import POOLS
from gateway.cli import show
from gateway.cli.failure import Failed
from gateway.cli.link import bus
from gateway.cli.options import TOKEN_VARIABLE
from gateway.cli.running import bus_address
from schemas.errors import CopilotError
from schemas.identity import Identity
from schemas.subjects import SCALE, SUPERVISOR_STATUS
from schemas.system import PoolStates, ScaleRequest, StatusRequest

SECONDS = 150.0  # actors that go finish their turns first
POLL_SECONDS = 0.3
LARGEST = 64


@click.command()
@click.argument("sizes", metavar="POOL=N...", nargs=-1, required=True)
@click.option("--token", envvar=TOKEN_VARIABLE, help="In JWT mode, of somebody with the role admin.")
def scale(sizes: tuple[str, ...], token: str | None) -> None:
    """Change how many actors a pool has; no request is lost.

    \b
    Example:
      copilot scale nlp=3
      copilot scale nlp=2 context=2
    """
    settings = load()
    wanted = dict(size_of(text) for text in sizes)
    identity = identify(settings.auth, f"Bearer {token}" if token else None)
    for line in asyncio.run(_scale(settings, wanted, identity)):
        click.echo(line)


def size_of(text: str) -> tuple[str, int]:
    """`nlp=3` as ("nlp", 3). Raises Failed."""
    match = re.fullmatch(r"(\w+)=(\d{1,4})", text)
    if match is None:
        raise Failed(f"{text!r} is not POOL=N, such as nlp=3")
    name, size = match[1], int(match[2])
    known = [pool.name for pool in POOLS]
    if name not in known:
        raise Failed(f"there is no pool {name!r}: {', '.join(known)}")
    if size > LARGEST:
        raise Failed(f"a pool has at most {LARGEST} actors, not {size}")
    return name, size


async def _scale(settings: Settings, wanted: dict[str, int], identity: Identity) -> list[str]:
    say = Progress()
    async with bus(bus_address(settings)) as link:
        for name, size in wanted.items():
            say(f"{name}: to {size}")
            request = ScaleRequest(pool=name, size=size, identity=identity)
            asked = asyncio.create_task(link.request(SCALE, request, seconds=SECONDS, once=True))
            await _follow(link, name, asked, say)
        states = await link.request(SUPERVISOR_STATUS, StatusRequest(), seconds=5)
    return show.processes_table({"kind": "actor", **actor.model_dump()} for actor in states.actors)


async def _follow(link: Bus, name: str, asked: asyncio.Task[PoolStates], say: Progress) -> None:
    """Tells of every change in the pool until the request is answered. Raises what the supervisor named."""
    seen: dict[str, str] = {}
    while not asked.done():
        await asyncio.wait((asked,), timeout=POLL_SECONDS)
        try:
            states = await link.request(SUPERVISOR_STATUS, StatusRequest(), seconds=2)
        except CopilotError:
            continue  # the request itself says what is wrong
        for actor in states.actors:
            if actor.pool == name and seen.get(actor.slot) != actor.state:
                seen[actor.slot] = actor.state
                say(f"{actor.slot} {actor.state} {actor.message}".rstrip())
    await asked
