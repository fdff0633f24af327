"""Waiting by condition, never by sleep alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(found: Callable[[], Awaitable[T]], seconds: float = 20.0) -> T:
    """The first truthy answer of `found`; fails with the last one when the time has passed."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await found()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        await asyncio.sleep(0.02)
