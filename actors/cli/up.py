"""`copilot up`."""

from __future__ import annotations

import asyncio

import click
import uvloop

from actors.cli import detached
from actors.cli.serving import serve
from actors.cli.system import Options, RuntimeName
from actors.platform.config import load
from gateway.cli.failure import Failed
from gateway.cli.running import find


@click.command()
@click.option(
    "--runtime",
    type=click.Choice(["ray", "local"]),
    default="ray",
    show_default=True,
    help="Ray: a process an actor; local: all pools in this process.",
)
@click.option("--demo/--no-demo", default=True, show_default=True, help="The demo shop, for Prometheus to scrape.")
@click.option("--detach", is_flag=True, help="Return when it is ready; it goes on in the background.")
@click.option("--address", metavar="RAY_HEAD", help="Join this Ray cluster instead of starting a node.")
@click.option("--banner/--no-banner", default=True, hidden=True)
def up(runtime: RuntimeName, demo: bool, detach: bool, address: str | None, banner: bool) -> None:
    """Start everything that is not configured elsewhere, and serve until stopped.

    Opens the chat in a terminal; elsewhere it serves until SIGTERM or Ctrl-C. A second signal stops at once.

    \b
    Example:
      copilot up
      copilot up --runtime local --no-demo --detach
    """  # fmt: skip
    settings = load()
    running = find(settings.data_path)
    if running is not None:
        raise Failed(
            f"it runs already on {settings.data_path} (pid {running.pid}; {running.told}): "
            "talk with `copilot chat`, stop it with `copilot down`"
        )
    if address and runtime == "local":
        raise Failed("--address names a Ray cluster: it does not go with --runtime local")
    if detach:
        detached.start(settings, _arguments(runtime, demo, address))
        return
    options = Options(runtime=runtime, demo=demo, ray_address=address)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, options, show_banner=banner))


def _arguments(runtime: RuntimeName, demo: bool, address: str | None) -> list[str]:
    return [
        "--runtime", runtime, "--demo" if demo else "--no-demo", "--no-banner",
        *(("--address", address) if address else ()),
    ]  # fmt: skip
