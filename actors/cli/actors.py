"""`copilot actors`."""

from __future__ import annotations

import asyncio
import sys

import click
import uvloop

from actors.cli.crew import Crew
from actors.cli.progress import Progress
from actors.cli.serving import Stop
from actors.cli.system import Options, RuntimeName, make_runtime
from actors.platform.config import Settings, load
from actors.platform.pool.definition import Pool, Runtime
from actors.platform.telemetry import configure_logging
from actors.pools import POOLS
from gateway.cli.failure import Failed
from gateway.cli.running import find


@click.command()
@click.option("--pools", metavar="NAMES", help="Which, with commas between; default: all.")
@click.option("--runtime", type=click.Choice(["ray", "local"]), default="ray", show_default=True)
@click.option("--address", metavar="RAY_HEAD", help="Join this Ray cluster instead of starting a node.")
def actors(pools: str | None, runtime: RuntimeName, address: str | None) -> None:
    """Run actor pools alone, for the configured servers.

    \b
    Example:
      export COPILOT_NATS__URL=nats://nats:4222 COPILOT_DATABASE__URL=postgresql://copilot@db/copilot
      copilot actors --pools nlp,context
    """
    settings = load()
    chosen = choose(pools)
    check_servers(settings)
    if find(settings.data_path) is not None:
        raise Failed("a system runs on this data directory and has its actors: see `copilot scale --help`")
    options = Options(runtime=runtime, ray_address=address)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, make_runtime(settings.data_path, options), chosen))


def choose(names: str | None) -> tuple[Pool, ...]:
    """Raises Failed for a name that no pool has."""
    if names is None:
        return POOLS
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {pool.name: pool for pool in POOLS}
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise Failed(f"there is no pool {', '.join(unknown) or repr(names)}: {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(wanted))


def check_servers(settings: Settings) -> None:
    """Raises Failed when one that actors need is not configured."""
    urls = {"COPILOT_NATS__URL": settings.nats.url, "COPILOT_DATABASE__URL": settings.database.url}
    missing = [name for name, url in urls.items() if not url]
    if missing:
        raise Failed(
            f"actors need servers of their own: set {' and '.join(missing)}, or run it all with `copilot up`"
        )


async def _serve(settings: Settings, runtime: Runtime, pools: tuple[Pool, ...]) -> None:
    configure_logging(settings.telemetry.log_level, "supervisor-0")
    say = Progress()
    stop = Stop(say, lambda: None)
    stop.listen()
    say(f"starting {', '.join(pool.name for pool in pools)} on {runtime.name}")
    await runtime.open()
    crew = Crew(settings, runtime, pools, say)
    try:
        await crew.start()
        say("the actors serve")
        for actor in crew.actors():
            click.echo(f"  {actor.slot} (pid {actor.pid})", file=sys.stderr)
        await stop.asked.wait()
    finally:
        await crew.stop()
        await runtime.close()
    say("stopped")
