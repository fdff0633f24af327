"""A deadline on its way to another process, without either's wall clock: that one jumps, and two machines' differ.

All processes of a machine read one monotonic clock, so among them the instant itself travels: a request that lay
about, in the buffer of a process that was stopped, is known to be late. For another machine the seconds that were
left when it was sent have to do.
"""

from __future__ import annotations

import math
import os
import time
from functools import cache
from pathlib import Path

from schemas.envelope import DEADLINE
from schemas.errors import InvalidInput

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_TIME_NAMESPACE = Path("/proc/self/ns/time")


def written(deadline: float) -> str:
    """`deadline` in seconds of this machine's monotonic clock."""
    return f"{deadline - time.monotonic():.6f} {deadline:.6f} {_clock()}"


def read(text: str) -> float:
    """In seconds of this machine's monotonic clock. A number alone is the seconds that are left. Raises
    InvalidInput."""
    left, *instant = text.split()[:3] or [""]
    if len(instant) == 2 and instant[1] == _clock():
        return _number(instant[0])
    return time.monotonic() + _number(left)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"the header {DEADLINE} must begin with the seconds that are left")
    return number


@cache
def _clock() -> str:
    """The name of the clock that this process reads: of the machine's boot, and of the time namespace in it. Where
    neither can be read it is this process's own."""
    try:
        return f"{_BOOT.read_text(encoding='ascii').strip()}/{_TIME_NAMESPACE.stat().st_ino}"
    except OSError:
        return f"process/{os.getpid()}"
