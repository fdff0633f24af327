"""A client like any other, in a process of its own: it asks all the time and tells how it was served.

python -m tests.support.neighbour URL TOKEN      until its standard input is closed
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

PATH = "/api/v1/sessions?limit=1"
PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 10.0


@dataclass
class Neighbour:
    """`seconds` of each request, and what else than 200 came back; complete once the context has been left."""

    seconds: list[float] = field(default_factory=list[float])
    failures: list[str] = field(default_factory=list[str])

    def served_well(self, within: float = 1.0) -> None:
        """Nothing failed, and nine of ten requests took no longer than this many seconds: a second is long, but
        whoever attacks shares the two cores."""
        assert not self.failures, self.failures[:5]
        assert len(self.seconds) >= 5, "there was nothing to see"
        assert sorted(self.seconds)[len(self.seconds) * 9 // 10] < within, sorted(self.seconds)[-5:]


@contextmanager
def neighbour(url: str, token: str) -> Iterator[Neighbour]:
    found = Neighbour()
    argv = [sys.executable, "-m", "tests.support.neighbour", url, token]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "served\n", "the neighbour was not served to begin with"
        yield found
    finally:
        out, _ = process.communicate(timeout=2 * PATIENCE_SECONDS)
    told = json.loads(out)
    found.seconds, found.failures = told["seconds"], told["failures"]


def main(url: str, token: str) -> None:
    found, told = Neighbour(), False
    while not select.select([sys.stdin], [], [], PAUSE_SECONDS)[0]:
        _ask(url, token, found)
        if not told and found.seconds:
            print("served", flush=True)
            told = True
    print(json.dumps({"seconds": found.seconds, "failures": found.failures}))


def _ask(url: str, token: str, found: Neighbour) -> None:
    """On a connection of its own each time: one that is open already would not notice that no more get in."""
    parts = urlsplit(url)
    started = time.monotonic()
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", PATH, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read()
    except OSError as error:
        found.failures.append(repr(error))
        return
    finally:
        connection.close()
    found.seconds.append(time.monotonic() - started)
    if response.status != 200:
        found.failures.append(f"{response.status} {body[:200]!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
