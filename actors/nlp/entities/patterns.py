"""Patterns to search for: quoted text, `/regular expressions/`, "containing timeout"."""

from __future__ import annotations

import re

from actors.nlp.entities.found import Named
from actors.nlp.entities.lexicon import Tag
from actors.nlp.entities.reading import Reading, Unit
from actors.nlp.entities.tables import words

_QUOTED = re.compile(r"\"([^\"\n]{1,500})\"|“([^”\n]{1,500})”|«([^»\n]{1,500})»|`([^`\n]{1,500})`")
_APOSTROPHES = re.compile(r"(?<![\w'’])'([^'\n]{1,500})'(?!\w)|(?<![\w'’])‘([^’\n]{1,500})’(?!\w)")
_REGEX = re.compile(r"(?<![\w/.])/(?=\S)((?:[^/\n\\]|\\.){1,300})/[gimsux]{0,6}(?![\w/])")
_META = frozenset("\\[]()*+?^$|")
_SEARCHING, _LOGS = words("patterns", "searching"), words("patterns", "searching", "logs")
_LEADS, _OPEN_LEADS = words("patterns", "leads"), words("patterns", "leads", "open")
_SAYS, _BEFORE_SAYS = words("patterns", "leads", "says"), words("patterns", "leads", "before_says")
_SEARCHES, _TITLES = words("patterns", "leads", "searches"), words("patterns", "leads", "titles")
_STOPS, _SKIPPED = words("patterns", "open", "stops"), words("patterns", "open", "skipped")
_NOTHING = words("patterns", "open", "nothing")
LONGEST_WORDS = 4


def find_patterns(reading: Reading) -> tuple[Named, ...]:
    """Each takes its place on the board, its quotes included."""
    searching = reading.has(_SEARCHING)
    found: list[Named] = []
    for expression in (_REGEX, _QUOTED, _APOSTROPHES):
        for match in expression.finditer(reading.text):
            if not reading.board.free(*match.span()):
                continue
            here = (
                _regex(reading, match, searching) if expression is _REGEX else _quoted(reading, match, searching)
            )
            if here is not None:
                reading.board.take(*match.span())
                found.append(here)
    if not found and reading.has(_LOGS):
        found.extend(_open(reading))
    return tuple(sorted(found, key=lambda named: named.start))


def _regex(reading: Reading, match: re.Match[str], searching: bool) -> Named | None:
    led = _lead(reading, match.start()) in _LEADS
    if not (_META & set(match[1]) or (led and searching and " " not in match[1])):
        return None  # a path
    return Named(match.start(), match.end(), match[0])


def _quoted(reading: Reading, match: re.Match[str], searching: bool) -> Named | None:
    inner = next(group for group in match.groups() if group)
    lead = _lead(reading, match.start())
    if lead in _TITLES and not reading.has(_LOGS):
        return None
    if not searching and lead not in _OPEN_LEADS:
        return None
    start = match.start() + match[0].index(inner)
    return Named(start, start + len(inner), inner)


def _lead(reading: Reading, start: int) -> str:
    """The word before the character."""
    before = reading.text[max(0, start - 40) : start].split()
    return before[-1].lower().strip(":,(") if before else ""


def _open(reading: Reading) -> list[Named]:
    """ "containing connection refused", "grep for OOMKilled": without quotes, up to the next small word."""
    for at, unit in enumerate(reading.units):
        if not _opens(reading, at, unit):
            continue
        first = at + 1
        while reading.word(first) in _SKIPPED and first < at + 4:
            first += 1
        last = first
        while last < first + LONGEST_WORDS and reading.word(last) and reading.word(last) not in _STOPS:
            if last > first and reading.unit(last).gap.strip():
                break
            last += 1
        small = reading.unit(first).tag & Tag.CLOSED or reading.word(first)[:1].isdigit()
        if last > first and reading.word(first) not in _NOTHING and not small:
            start, end = reading.unit(first).start, reading.unit(last - 1).end
            if reading.board.free(start, end):
                reading.board.take(start, end)
                return [Named(start, end, reading.text[start:end])]
    return []


def _opens(reading: Reading, at: int, unit: Unit) -> bool:
    if unit.text in _SAYS:
        return reading.word(at - 1) in (
            "that",
            "which",
            "logs",
            "lines",
            "messages",
            "errors",
            "entries",
            "traces",
        )
    return unit.text in _OPEN_LEADS or _searched_for(reading, at)


def _searched_for(reading: Reading, at: int) -> bool:
    """ "search the logs for timeout": not for a service."""
    if reading.word(at) != "for" or reading.unit(at + 1).tag & (Tag.TYPICAL | Tag.DETERMINER):
        return False
    return any(reading.word(place) in _SEARCHES for place in range(max(0, at - 5), at))
