"""`copilot gateway`."""

from __future__ import annotations

import click

from actors.platform.config import Settings, load
from gateway.cli.failure import Failed
from gateway.cli.running import bus_address, find


@click.command()
@click.option(
    "--slot", metavar="NAME", help="Its name in metrics; default: gateway-0, beside a running system gateway-1."
)
def gateway(slot: str | None) -> None:
    """Run a gateway alone, for the configured servers or beside the system that runs here.

    \b
    Example:
      COPILOT_SERVER__PORT=8081 copilot gateway
    """
    settings = load()
    beside = find(settings.data_path)
    from gateway.__main__ import serve  # the whole gateway: not before the settings are known to be good

    serve(connected(settings), None, slot or ("gateway-1" if beside else "gateway-0"))


def connected(settings: Settings) -> Settings:
    """With the running system's servers where none are configured. Raises Failed when there is nothing to join."""
    running = find(settings.data_path)
    if not settings.nats.url and running is None:
        raise Failed("a gateway needs a bus: set COPILOT_NATS__URL, or start a system here with `copilot up`")
    cache = settings.redis.url or (running.addresses["redis"] if running else "") or ""
    return settings.model_copy(
        update={
            "nats": settings.nats.model_copy(update={"url": bus_address(settings)}),
            "redis": settings.redis.model_copy(update={"url": cache}),
        }
    )
