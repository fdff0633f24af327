"""A breaker: what has failed several times in a row is not asked for a while, then once to see."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

State = Literal["closed", "open", "half_open"]


class Breaker:
    """`failures` in a row open it for `seconds`; then one probe is let through, and its outcome decides."""

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._failed = 0
        self._opened: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        if self._opened is None:
            return "closed"
        return "half_open" if self._clock() - self._opened >= self._seconds else "open"

    @property
    def remaining(self) -> float:
        """Seconds until the next probe; 0 when one may go."""
        return 0.0 if self._opened is None else max(0.0, self._opened + self._seconds - self._clock())

    def admits(self) -> bool:
        """Whether a call may go now. While half open only the first caller may, until its outcome is known."""
        state = self.state
        if state == "closed":
            return True
        if state == "open" or self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        self._failed, self._opened, self._probing = 0, None, False

    def failed(self) -> None:
        self._failed += 1
        if self._probing or self._failed >= self._limit:
            self._opened = self._clock()
        self._probing = False

    def withdrawn(self) -> None:
        """A call that was let through did not take place: nothing is known."""
        self._probing = False
