"""Identifiers that sort by time."""

from __future__ import annotations

import secrets
import time

from ulid import ULID

RANDOM_BYTES = 10


class _Clock:
    """The wall clock in milliseconds, held where it is while the clock is set back: what one process names later
    sorts later."""

    def __init__(self) -> None:
        self._latest = 0

    def read(self) -> int:
        self._latest = max(self._latest, time.time_ns() // 1_000_000)
        return self._latest


_CLOCK = _Clock()


def new_ulid() -> str:
    """26 characters of Crockford's base32: 48 bits of milliseconds, 80 random bits."""
    return str(ULID(_CLOCK.read().to_bytes(6, "big") + secrets.token_bytes(RANDOM_BYTES)))


def new_session_id(owner: str) -> str:
    """`<owner>.<ulid>`: NATS permissions can name all sessions of one owner."""
    return f"{owner}.{new_ulid()}"
