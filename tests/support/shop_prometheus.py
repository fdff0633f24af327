"""A real Prometheus with six hours of the demo shop in it, and the shop itself to work out what is in them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from actors.embedded.prometheus import PrometheusServer
from actors.embedded.shop import backfill
from actors.embedded.shop import shop as shops
from actors.embedded.shop.generator import micros
from actors.embedded.shop.scenario import SECOND
from actors.embedded.shop.shop import Shop
from schemas.plans import TimeRange
from tests.support.servers import SHARED_PACKAGES, data_directory

HOURS = 6
DAY = 86_400
END_HOUR = 4
"""Of yesterday, UTC: the bad payment release, 02:50 to 03:20, lies in the last two hours."""


@dataclass
class MeasuredShop:
    """`end` is the instant of the last sample; samples lie on multiples of 15 s."""

    url: str
    shop: Shop
    end: datetime

    def last(self, seconds: int, before: int = 0) -> TimeRange:
        """A window that ends so many seconds before the end."""
        end = self.end - timedelta(seconds=before)
        return TimeRange(start=end - timedelta(seconds=seconds), end=end)


@contextmanager
def measured_shop() -> Generator[MeasuredShop]:
    """Scrapes nothing: the history alone."""
    end = time.time() // DAY * DAY - DAY + END_HOUR * 3_600
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="prometheus")
    with (
        data_directory() as data,
        patch.object(shops, "HISTORY", HOURS * 3_600 * SECOND),
        patch.object(backfill, "HISTORY", HOURS * 3_600 * SECOND),
    ):

        async def fill(tsdb: Path, promtool: Path) -> None:
            await backfill.backfill(data, tsdb, promtool, end, print)

        thread.start()
        server = PrometheusServer(data, SHARED_PACKAGES, (), port=0, before_start=fill)
        try:
            asyncio.run_coroutine_threadsafe(server.start(), loop).result(300)
            shop = Shop.open(data / "shop", micros(end))
            yield MeasuredShop(server.url, shop, datetime.fromtimestamp(end, UTC))
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(30)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()
