"""Identifiers that sort by time."""

from __future__ import annotations

from ulid import ULID


def new_ulid() -> str:
    """26 characters of Crockford's base32: 48 bits of milliseconds, 80 random bits."""
    return str(ULID())


def new_session_id(owner: str) -> str:
    """`<owner>.<ulid>`: NATS permissions can name all sessions of one owner."""
    return f"{owner}.{new_ulid()}"
