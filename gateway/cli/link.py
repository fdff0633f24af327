"""A command's connection to the bus, as the copilot itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from actors.platform.bus import Bus
from actors.platform.bus.nats import NatsTransport
from actors.platform.config import mask_url
from gateway.cli.failure import Failed

CONNECT_SECONDS = 3.0


@asynccontextmanager
async def bus(url: str) -> AsyncGenerator[Bus]:
    """Raises Failed when NATS does not answer."""
    # A command tells its user what went wrong; what the client library logs on the way is noise there.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    link = Bus(NatsTransport(url, "command"), "command")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await link.connect()
    except TimeoutError as error:
        raise Failed(f"NATS does not answer at {mask_url(url)}: see `copilot doctor`") from error
    try:
        yield link
    finally:
        await link.close()
