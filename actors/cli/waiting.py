"""Waiting aloud for a server: the order in which servers and the copilot start does not matter."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
Say = Callable[[str], None]

RETRY_SECONDS = 0.2
SAY_SECONDS = 1.0  # one that is there by then needs no word


async def until_there(
    what: str, attempt: Callable[[], Awaitable[T]], errors: tuple[type[Exception], ...], say: Say
) -> T:
    """The first result of `attempt` that is none of `errors`. Says what it waits for and why, once for each new
    reason: one that only needs a correction is not waited for in silence."""
    loop = asyncio.get_running_loop()
    silent_until, said = loop.time() + SAY_SECONDS, ""
    while True:
        try:
            return await attempt()
        except errors as error:
            why = " ".join(str(error).split()) or type(error).__name__
        if why != said and loop.time() > silent_until:
            say(f"waiting for {what}: {why}")
            said = why
        await asyncio.sleep(RETRY_SECONDS)
