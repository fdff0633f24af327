"""`python -m actors.embedded.shop --data DIR --port PORT`: serve the demo shop on the loopback interface."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import time
from pathlib import Path

from aiohttp import web

from actors.embedded.shop.generator import micros
from actors.embedded.shop.server import Api
from actors.embedded.shop.shop import Shop

LOOPBACK = "127.0.0.1"

log = logging.getLogger("shop")


async def serve(data: Path, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is running and keep the counters."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    shop = await asyncio.to_thread(Shop.open, data / "shop", micros(time.time()))
    runner = web.AppRunner(Api(shop).application(), access_log=None, shutdown_timeout=5.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, port)
        await site.start()
        log.info("the demo shop listens on http://%s:%d", LOOPBACK, runner.addresses[0][1])
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m actors.embedded.shop", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory that keeps counters and actions")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 for any free one")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    asyncio.run(serve(arguments.data, arguments.port))


if __name__ == "__main__":
    main()
