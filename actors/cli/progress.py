"""Lines for people while something long is going on."""

from __future__ import annotations

import time
from pathlib import Path

import click


class Progress:
    """One line at a time on stderr, with the seconds since the start; in a file while a chat has the terminal."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._file: Path | None = None
        self.lost = 0

    def __call__(self, text: str) -> None:
        try:
            self._write(f"[{self.seconds:5.1f} s] {text}")
        except OSError:
            # A full disk or a closed terminal takes these lines away; it must not end what they tell of.
            self.lost += 1

    def _write(self, line: str) -> None:
        if self._file is None:
            click.echo(line, err=True)
            return
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def into(self, file: Path | None) -> None:
        self._file = file
