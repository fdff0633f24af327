"""How many turns may be under way: what is too much is refused at once, before everybody waits.

Up to `most` turns are let in as long as they come no faster than they end, however long each takes. Once something
had to be refused, only as many are let in as end within BRISK_SECONDS, so that those stay fast; it is
a half more each second while they do, until all are let in again.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager

from schemas.errors import Unavailable

BRISK_SECONDS = 0.15
FEWEST = 16
GROWTH = 1.5
PRESENT_SECONDS = 1.0  # who has asked within this time has a claim to a fair share
RETRY_AFTER_SECONDS = 1.0


class Admission:
    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._ceiling = most
        self._under_way: Counter[str] = Counter()
        self._total = 0
        self._present: OrderedDict[str, float] = OrderedDict()
        self._second = clock()
        self._ended = 0
        self._took = 0.0

    @contextmanager
    def admitted(self, owner: str) -> Generator[None]:
        """One turn of this user. Raises Unavailable when there are too many, or too many of this user's."""
        since = self.enter(owner)
        try:
            yield
        finally:
            self.leave(owner, since)

    def enter(self, owner: str) -> float:
        """Returns what `leave` wants back."""
        now = self._clock()
        self._look_at_the_last_second(now)
        self._present[owner] = now
        self._present.move_to_end(owner)
        full = self._total >= self._ceiling
        if full or (self._total >= self._ceiling // 2 and self._under_way[owner] >= self._share(now)):
            if full and self._ceiling == self._most:
                self._ceiling = self._brisk(now)
            raise Unavailable("more is asked than can be answered at the moment", after=RETRY_AFTER_SECONDS)
        self._under_way[owner] += 1
        self._total += 1
        return now

    def leave(self, owner: str, since: float) -> None:
        self._total -= 1
        self._under_way[owner] -= 1
        if not self._under_way[owner]:
            del self._under_way[owner]
        self._ended += 1
        self._took += self._clock() - since

    def _look_at_the_last_second(self, now: float) -> None:
        if now - self._second < 1.0:
            return
        if self._ceiling < self._most:
            fast = self._took <= 2 * BRISK_SECONDS * self._ended
            self._ceiling = min(self._most, round(self._ceiling * GROWTH)) if fast else self._brisk(now)
        self._second, self._ended, self._took = now, 0, 0.0

    def _brisk(self, now: float) -> int:
        """So many end within BRISK_SECONDS, at the rate of this second (Little's law)."""
        rate = self._ended / max(1.0, now - self._second)
        return min(self._most, max(FEWEST, round(rate * BRISK_SECONDS)))

    def _share(self, now: float) -> int:
        while now - next(iter(self._present.values())) > PRESENT_SECONDS:
            self._present.popitem(last=False)
        return max(1, self._ceiling // len(self._present))
