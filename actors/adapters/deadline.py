"""How long the action in hand may still take; known to whatever it calls, without being passed along."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

RESERVE_SECONDS = 0.05
"""Kept back from every wait, so that a slow backend is named before the action's own deadline strikes."""

_end: ContextVar[float | None] = ContextVar("action_end", default=None)


@contextmanager
def ends_in(seconds: float) -> Generator[None]:
    """Inside, `time_left` counts down from so many seconds, unless an earlier end holds already."""
    outer = _end.get()
    own = time.monotonic() + seconds
    token = _end.set(own if outer is None else min(own, outer))
    try:
        yield
    finally:
        _end.reset(token)


def time_left(limit: float) -> float:
    """Seconds to wait at most: `limit`, or what the action has left; never below 1 ms."""
    end = _end.get()
    if end is None:
        return limit
    return max(0.001, min(limit, end - time.monotonic() - RESERVE_SECONDS))
