"""The demo shop with a clock of the test's own: hours of its life in a moment, over its own HTTP interface."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp.test_utils import TestServer
from prometheus_client.parser import text_string_to_metric_families

from actors.embedded.shop.scenario import SECOND
from actors.embedded.shop.server import Api
from actors.embedded.shop.shop import HISTORY, Shop

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()
BEGIN = NOON - HISTORY / SECOND + 1800
"""Half an hour after the shop's counters begin, so that little has to be counted."""


@dataclass
class ClockedShop:
    url: str
    now: float = BEGIN
    """Unix seconds; moves when the test moves it."""

    async def samples(self, service: str) -> dict[str, float]:
        """Every series of a service by its name and labels, as a scrape at this time shows them."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}/metrics/{service}") as answer:
            families = text_string_to_metric_families(await answer.text())
        return {
            f"{sample.name}{{{','.join(f'{k}={v}' for k, v in sorted(sample.labels.items()))}}}": sample.value
            for family in families
            for sample in family.samples
        }

    async def failing(self, service: str, minutes: float) -> float:
        """The ratio of server errors over the next minutes; time has passed afterwards."""
        before = await self.samples(service)
        self.now += minutes * 60
        after = await self.samples(service)
        grown = {
            name: after[name] - before.get(name, 0.0) for name in after if name.startswith("http_requests_total{")
        }
        failed = sum(value for name, value in grown.items() if "status=5" in name)
        return failed / sum(grown.values())


@asynccontextmanager
async def clocked_shop(directory: Path) -> AsyncGenerator[ClockedShop]:
    """What was done to it is kept in `directory`: opened again it goes on."""
    found = ClockedShop("")
    server = TestServer(Api(Shop.open(directory, round(NOON * SECOND)), lambda: found.now).application())
    await server.start_server()
    found.url = str(server.make_url("/")).rstrip("/")
    try:
        yield found
    finally:
        await server.close()
