"""How many turns may be under way: what is too much is refused at once, before everybody waits.

Up to `most` turns are let in as long as they come no faster than they end, however long each takes. Once something
had to be refused there is more than can be done: then only as many are let in as end within BRISK_SECONDS, so that
those that are let in stay fast, until nothing has been refused for REST_SECONDS.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager

from schemas.errors import Unavailable

BRISK_SECONDS = 0.15
FEWEST = 16
REST_SECONDS = 2.0
RATE_SECONDS = 1.0
PRESENT_SECONDS = 1.0  # who has asked within this time has a claim to a fair share
RETRY_AFTER_SECONDS = 1.0


class Admission:
    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._under_way: Counter[str] = Counter()
        self._total = 0
        self._present: OrderedDict[str, float] = OrderedDict()
        self._crowded_until = float("-inf")
        self._window = clock()
        self._ended = 0
        self._rate = 0.0

    @contextmanager
    def admitted(self, owner: str) -> Generator[None]:
        """One turn of this user. Raises Unavailable when there are too many, or too many of this user's."""
        self.enter(owner)
        try:
            yield
        finally:
            self.leave(owner)

    def enter(self, owner: str) -> None:
        now = self._clock()
        self._present[owner] = now
        self._present.move_to_end(owner)
        ceiling = self._ceiling(now)
        share = ceiling // self._users(now) if self._total >= ceiling // 2 else ceiling
        if self._total >= ceiling or self._under_way[owner] >= max(1, share):
            self._crowded_until = now + REST_SECONDS
            raise Unavailable("more is asked than can be answered at the moment", after=RETRY_AFTER_SECONDS)
        self._under_way[owner] += 1
        self._total += 1

    def leave(self, owner: str) -> None:
        self._total -= 1
        self._under_way[owner] -= 1
        if not self._under_way[owner]:
            del self._under_way[owner]
        self._ended += 1

    def _ceiling(self, now: float) -> int:
        if now - self._window >= RATE_SECONDS:
            self._rate = self._ended / (now - self._window)
            self._window, self._ended = now, 0
        if now >= self._crowded_until:
            return self._most
        return max(min(FEWEST, self._most), min(self._most, round(self._rate * BRISK_SECONDS)))

    def _users(self, now: float) -> int:
        while now - next(iter(self._present.values())) > PRESENT_SECONDS:
            self._present.popitem(last=False)
        return len(self._present)
