"""Fill what Prometheus lacks of the shop's past 26 hours, before it opens its database.

The database itself is asked what it has, service by service; each stretch without samples is filled, whatever
made it: a first start, a stop, a kill, a fill that was cut short. So filling twice is harmless.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from actors.embedded.shop import SERVICES, target_labels
from actors.embedded.shop.exposition import Family, Sample, history_text
from actors.embedded.shop.generator import chunk_of, micros
from actors.embedded.shop.ledger import MARKS_APART
from actors.embedded.shop.requests import CHUNK
from actors.embedded.shop.scenario import SECOND
from actors.embedded.shop.shop import HISTORY, Numbers, Shop
from actors.embedded.shop.timeline import Times
from actors.embedded.shop.tsdb import Database, Stamps
from actors.embedded.tool import ToolFailed

STEP = 15 * SECOND
WINDOW = MARKS_APART * CHUNK
"""Two hours, aligned: the range of a fresh block."""

NEAR = 10 * SECOND
"""A time nearer than this to a sample that exists is not filled. A scrape's value is worked out some
milliseconds after the time it is stored under: a fill just behind it could be lower, which reads as a reset."""

TOLERABLE = 2 * SECOND
"""A fill that took longer than this is topped up at its end."""

MILLISECOND = 1000
WITNESS = "service_replicas"
"""A series that each scrape of each service brings: where it has samples, all have."""

Say = Callable[[str], None]
Missing = Mapping[str, Times]


async def backfill(data_dir: Path, tsdb_dir: Path, promtool: Path, now: float, say: Say) -> None:
    """Fill the past 26 hours up to `now`, and the seconds that filling takes. Times are Unix seconds.

    Prometheus must not have `tsdb_dir` open. Raises LedgerUnreadable, ToolFailed, OSError.
    """
    began = time.monotonic()
    database = Database(tsdb_dir, promtool)
    await asyncio.to_thread(database.tidy)
    shop = await asyncio.to_thread(Shop.open, data_dir / "shop", micros(now))
    start = max(micros(now) - HISTORY, shop.floor)
    have = await _stamps(database, start, say)
    filled = await _fill(shop, database, have, start, micros(now))
    until = micros(now + time.monotonic() - began)
    if until - micros(now) > TOLERABLE:
        have = {
            service: np.append(have.get(service, _nothing()), micros(now) // MILLISECOND) for service in SERVICES
        }
        await _fill(shop, database, have, micros(now), until)
    if filled:
        say(f"filled in {_spoken(filled)} of the demo shop's history in {time.monotonic() - began:.1f} s")


async def _stamps(database: Database, start: int, say: Say) -> Mapping[str, Stamps]:
    try:
        return await database.stamps(WITNESS, start // MILLISECOND)
    except ToolFailed as error:
        say(f"Prometheus' write-ahead log cannot be read and starts anew: {error}")
        database.forget_log()
        return await database.stamps(WITNESS, start // MILLISECOND)


async def _fill(shop: Shop, database: Database, have: Mapping[str, Stamps], start: int, end: int) -> int:
    """Fill what is missing in (start, end]; the longest that any service lacked, in microseconds."""
    missing = {service: missing_times(have.get(service, _nothing()), start, end) for service in SERVICES}
    importing: asyncio.Task[None] | None = None
    with database.scratch() as scratch:
        try:
            for first in _windows(missing):
                text = scratch / f"{first}.om"
                # The next window is drawn while promtool reads this one.
                await asyncio.to_thread(_write, shop, missing, first, text)
                if importing is not None:
                    await importing
                importing = asyncio.create_task(_import(database, text))
            if importing is not None:
                await importing
        finally:
            if importing is not None and not importing.done():
                importing.cancel()
                await asyncio.gather(importing, return_exceptions=True)
    return max(len(times) for times in missing.values()) * STEP


def missing_times(have: Stamps, start: int, end: int) -> Times:
    """The multiples of STEP in (start, end], and `end` itself, that have no sample near them."""
    grid = np.arange((start // STEP + 1) * STEP, end + 1, STEP, dtype=np.int64)
    if not len(grid) or grid[-1] < end - SECOND:
        # The first scrape may come a whole step from now: leave as little as possible before it.
        grid = np.append(grid, end // MILLISECOND * MILLISECOND)
    known = np.concatenate([[-(2**62)], have * MILLISECOND, [2**62]])
    place = np.searchsorted(known, grid, "right")
    distance = np.minimum(grid - known[place - 1], known[place] - grid)
    return grid[distance >= NEAR]


def _windows(missing: Missing) -> Iterator[int]:
    """Where each two hours begin in which something is missing: promtool makes a block of each."""
    everything = np.concatenate(list(missing.values()))
    yield from np.unique(everything // WINDOW * WINDOW).tolist()


async def _import(database: Database, text: Path) -> None:
    await database.adopt(text)
    await asyncio.to_thread(text.unlink)


def _write(shop: Shop, missing: Missing, first: int, text: Path) -> None:
    with text.open("w", encoding="utf-8") as file:
        wanted = {service: _within(times, first, first + WINDOW) for service, times in missing.items()}
        shop.keep(max(first // CHUNK, shop.floor // CHUNK))
        # A chunk includes its end, a block its beginning: the chunk before may have the first time.
        for chunk in range(first // CHUNK - 1, (first + WINDOW) // CHUNK):
            for part in _chunk_text(shop, wanted, chunk):
                file.write(part)
        file.write("# EOF\n")
    shop.keep(chunk_of(max(int(times[-1]) for times in wanted.values() if len(times))))


def _chunk_text(shop: Shop, missing: Missing, chunk: int) -> Iterator[str]:
    wanted = {
        service: _within(times, chunk * CHUNK + 1, (chunk + 1) * CHUNK + 1) for service, times in missing.items()
    }
    times = np.unique(np.concatenate(list(wanted.values())))
    if not len(times):
        return
    numbers = shop.numbers(chunk, times)
    for service, own in wanted.items():
        if len(own):
            rows = np.searchsorted(times, own)
            running = {service: numbers.in_flight[service][rows]}
            families = shop.families(service, Numbers(own, numbers.counts[rows], running))
            families.append(Family("up", "gauge", "", [Sample({}, [1] * len(own))]))
            stamps = [f"{time // SECOND}.{time % SECOND // MILLISECOND:03}" for time in own.tolist()]
            yield from history_text(families, {"job": service, **target_labels(service)}, stamps)


def _within(times: Times, start: int, end: int) -> Times:
    """Those in [start, end)."""
    low, high = np.searchsorted(times, np.array([start, end], np.int64), "left")
    return times[low:high]


def _nothing() -> Stamps:
    return np.zeros(0, np.int64)


def _spoken(duration: int) -> str:
    seconds = duration // SECOND
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{max(seconds // 60, 1)} min"
