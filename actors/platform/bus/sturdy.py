"""The NATS client of the library, with three of its weaknesses mended (nats-py 2.16)."""

from __future__ import annotations

import asyncio

from nats.aio.client import Client

PING = b"PING\r\n"


class SturdyClient(Client):
    async def _process_headers(self, headers: bytes) -> dict[str, str] | None:
        """Any client may send a header line that cannot be decoded; the library would stop reading for good."""
        try:
            return await super()._process_headers(headers)
        except (ValueError, IndexError) as error:
            await self._error_cb(error)
            return None

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        """Behind what still waits to be written. The library lets the ping overtake it, so that its `flush`
        returns before the server knows of a subscription made just before."""
        self._pongs.append(future or asyncio.get_running_loop().create_future())
        await self._send_command(PING)
        await self._flush_pending()

    async def _process_pong(self) -> None:
        """A pong that nobody waits for any more would make the library stop reading."""
        if self._pongs and self._pongs[0].done():
            self._pongs.pop(0)
            self._pings_outstanding = 0
        else:
            await super()._process_pong()
