"""How a reply looks in a terminal: text as it comes, evidence below."""

from __future__ import annotations

import itertools
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import click

from schemas.adapters import Evidence
from schemas.conversation import Message, ReplyChunk, ReplyCompleted, ReplyEvent, ReplyFailed, ReplyRestarted
from schemas.errors import from_problem

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAME_SECONDS = 0.1
BEFORE_FIRST_FRAME = 0.4  # an answer that comes sooner needs no progress


class Waiting:
    """Shows on a terminal that something is being waited for; elsewhere nothing."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Waiting:
        if sys.stderr.isatty():
            self._thread = threading.Thread(target=self._turn, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        if self._thread is not None:
            self._over.set()
            self._thread.join()
            self._thread = None

    def _turn(self) -> None:
        if self._over.wait(BEFORE_FIRST_FRAME):
            return
        for frame in itertools.cycle(FRAMES):
            click.echo(f"\r{frame} {self._text}", nl=False, err=True)
            if self._over.wait(FRAME_SECONDS):
                break
        click.echo("\r\033[K", nl=False, err=True)


def streamed(events: Iterable[ReplyEvent], seen: Callable[[ReplyEvent], None] = lambda event: None) -> Message:
    """Prints the text as it comes and returns the whole message. `seen` hears of every event.

    Raises the error of a reply that failed.
    """
    printed = False
    with Waiting("asking") as waiting:
        for event in events:
            seen(event)
            if isinstance(event, ReplyChunk):
                waiting.end()
                click.echo(event.chunk, nl=False)
                printed = True
            elif isinstance(event, ReplyRestarted) and printed:
                click.echo(f"\n[the text above no longer holds: {event.reason}]", err=True)
                printed = False
            elif isinstance(event, ReplyFailed):
                waiting.end()
                raise from_problem(event.problem)
            elif isinstance(event, ReplyCompleted):
                waiting.end()
                click.echo("" if printed else event.message.content)
                return event.message
    raise ConnectionError("the reply ended without its last event")


def details(message: Message) -> Iterator[str]:
    """Evidence, and what was done without: lines to print below the text."""
    for item in message.evidence:
        yield from _evidence(item)
    yield from degraded(message)


def degraded(message: Message) -> Iterator[str]:
    for one in message.degraded:
        yield f"  without {one.part}: {one.reason}"


def brief(message: Message) -> Iterator[str]:
    """Evidence, a line each, cut to the terminal's width."""
    width = shutil.get_terminal_size().columns
    for item in message.evidence:
        line = f"  {_result(item)} <- {item.backend}: {item.query}"
        yield line if len(line) <= width else f"{line[: width - 1]}…"


def _evidence(item: Evidence) -> Iterator[str]:
    start, end = (instant.isoformat(timespec="seconds") for instant in (item.range.start, item.range.end))
    step = f", a point every {item.range.step_seconds:g} s" if item.range.step_seconds else ""
    yield f"  {_result(item)}"
    yield f"    {item.backend}, {item.language}: {item.query}"
    yield f"    {start} to {end}{step}"


def _result(item: Evidence) -> str:
    result = item.result
    if result.kind != "scalar":
        return f"{result.name}: {result.kind}"
    return f"{result.name} = {_number(result.value)} {result.unit or ''}".rstrip()


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Lines with aligned columns; None is shown as a dash."""
    cells = [list(header), *(["-" if value is None else str(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]


def processes_table(processes: Iterable[object]) -> list[str]:
    rows = [cast("dict[str, Any]", one) for one in processes]
    return table(
        ("kind", "pool", "slot", "pid", "state"),
        [(row["kind"], row.get("pool"), row.get("slot"), row.get("pid"), row.get("state")) for row in rows],
    )
