"""Annotated sentences, as the files in tests/unit/sentences write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

FILES = Path(__file__).parents[1] / "unit" / "sentences"
FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@dataclass(frozen=True)
class Sentence:
    text: str
    entities: tuple[str, ...]
    """ "type=value", in no order."""


@dataclass(frozen=True)
class Timed:
    text: str
    now: datetime
    zone: str
    times: tuple[tuple[str, str, datetime, datetime], ...]
    """Kind ("time_range" or "comparison"), span, start, end."""


def _lines(name: str) -> Iterator[str]:
    for line in (FILES / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


def sentences(name: str) -> Iterator[Sentence]:
    for line in _lines(name):
        text, mark, named = line.rpartition(" |")
        entities = tuple(entity for part in named.split(";") if (entity := part.strip()))
        yield Sentence(text if mark else line, entities)


def timed(name: str) -> Iterator[Timed]:
    now, zone = datetime.now(UTC), "UTC"
    for line in _lines(name):
        if line.startswith("@"):
            instant, zone = (part.strip() for part in line[1:].split("|"))
            now = _instant(instant, now, zone)
            continue
        text, *times = (part.strip() for part in line.split("|"))
        yield Timed(text, now, zone, tuple(_time(part, now, zone) for part in times if part))


def _time(part: str, now: datetime, zone: str) -> tuple[str, str, datetime, datetime]:
    span, _, window = part.rpartition(" = ")
    start, end = window.split("..")
    kind = "comparison" if span.startswith("C ") else "time_range"
    return kind, span.removeprefix("C "), _instant(start, now, zone), _instant(end, now, zone)


def _instant(text: str, now: datetime, zone: str) -> datetime:
    if text == "N":
        return now
    dated = text if text.startswith("20") else f"{now.astimezone(ZoneInfo(zone)).year}-{text}"
    place = UTC if dated.endswith("Z") else ZoneInfo(zone)
    for form in FORMATS:
        try:
            return datetime.strptime(dated.removesuffix("Z"), form).replace(tzinfo=place).astimezone(UTC)
        except ValueError:
            continue
    raise ValueError(f"no instant: {text}")
