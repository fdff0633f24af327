"""Cursors of lists that are sorted by a time and then by ids: the last row's own values."""

from __future__ import annotations

from datetime import datetime

from actors.platform.store.database import Row
from schemas.errors import InvalidInput

_BETWEEN = "|"


def next_cursor(rows: list[Row], limit: int, columns: tuple[str, ...]) -> str | None:
    """Of a page of `limit` rows, where one row more was asked for; None where there is no more. The first column
    is a time."""
    if len(rows) <= limit:
        return None
    last = rows[limit - 1]
    return _BETWEEN.join([last[columns[0]].isoformat(), *(last[column] for column in columns[1:])])


def cursor(text: str | None, parts: int) -> list[str | datetime | None]:
    """The values to go on after; of a first page the time is None. Raises InvalidInput."""
    if text is None:
        return [None, *[""] * (parts - 1)]
    at, *ids = text.split(_BETWEEN)
    try:
        found = datetime.fromisoformat(at)
    except ValueError as error:
        raise InvalidInput("the cursor is not one of ours") from error
    if len(ids) != parts - 1 or found.tzinfo is None:
        raise InvalidInput("the cursor is not one of ours")
    return [found, *ids]
