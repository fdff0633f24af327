"""Identifiers that sort by time."""

from __future__ import annotations

import os
import time

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]


class Clock:
    """The wall clock in milliseconds, held where it is while the clock is set back: what one process names later
    sorts later."""

    def __init__(self) -> None:
        self._latest = 0

    def read(self) -> int:
        self._latest = max(self._latest, time.time_ns() // 1_000_000)
        return self._latest


_CLOCK = Clock()


def new_ulid() -> str:
    """26 characters of Crockford's base32: 48 bits of milliseconds, 80 random bits (github.com/ulid/spec). Several
    are made in every turn; here one takes a microsecond, as an object of a library ten."""
    number = _CLOCK.read() << 80 | int.from_bytes(os.urandom(10))
    return "".join(_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10))


def new_session_id(owner: str) -> str:
    """`<owner>.<ulid>`: NATS permissions can name all sessions of one owner."""
    return f"{owner}.{new_ulid()}"
