"""The loop that looks for work without a living owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from schemas.errors import Unavailable

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0

Look = Callable[[bool], Awaitable[float | None]]
"""Takes what is there; told whether it was woken (or the poll was due). Answers in how many seconds something
comes due, None where it does not know: a poll looks anyway."""


class Watch:
    """Looks when woken, when something comes due, and at least every `poll_seconds`."""

    def __init__(self, look: Look, poll_seconds: float = POLL_SECONDS) -> None:
        self._look = look
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        self._wake.set()

    async def _run(self) -> None:
        due: float | None = None
        while True:
            woken = await self._next(self._poll_seconds if due is None else min(due, self._poll_seconds))
            due = None
            try:
                due = await self._look(woken)
            except Unavailable as error:
                log.warning("watch.waiting", waits_for="PostgreSQL", error=error.detail)
            except Exception:
                # This loop is what recovers work: a piece that cannot be taken must not end it.
                log.exception("watch.failed")

    async def _next(self, seconds: float) -> bool:
        """True when woken, False when it is time."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True
