"""Severities of incidents and levels of log lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actors.nlp.entities.found import Named
from actors.nlp.entities.lexicon import Tag
from actors.nlp.entities.reading import Reading, Unit, taken
from actors.nlp.entities.tables import words

_SEVERITY_WORDS = words("codes", "severity", "words")
_SEVERITY_BESIDE, _SEVERITY_VERBS = words("codes", "severity", "beside"), words("codes", "severity", "verbs")
_NAMES = frozenset({"severity", "sev", "priority", "prio"})
_CALLS = frozenset({"incident", "incidents", "alert", "alerts"})
_INCIDENTS = frozenset({"incident", "incidents", "inc", "ticket", "alert", "severity", "sev"})
_SEVERITY = re.compile(r"(?:sev(?:erity)?-?([1-4])|(?:prio(?:rity)?-?|p-?)([0-4]))s?\Z")
_ORDER = ("critical", "high", "medium", "low", "info")
_LEVELS = {
    word: level for level in ("fatal", "error", "warn", "info", "debug") for word in words("codes", "level", level)
}
_LEVEL_BESIDE, _LOGS = words("codes", "level", "beside"), words("codes", "level", "logs")
_OF_LOGS = frozenset({"warning", "warnings", "warn", "fatal", "fatals", "debug"})
_RATES = frozenset({"rate", "rates", "ratio", "budget", "budgets", "percentage", "count"})


# --- severities --------------------------------------------------------------------------------------


def find_severities(reading: Reading) -> tuple[Named, ...]:
    return taken(reading, _severities(reading))


def _severities(reading: Reading) -> Iterator[tuple[int, int, str]]:
    for at, unit in enumerate(reading.units):
        match = _SEVERITY.match(unit.text)
        if match is not None:
            yield unit.start, unit.end, _ORDER[int(match[1]) - 1 if match[1] else int(match[2])]
        elif unit.text in ("sev", "severity", "priority", "prio", "p"):
            yield from _numbered_severity(reading, at)
        elif unit.text in _SEVERITY_WORDS and _is_severity(reading, at):
            yield unit.start, unit.end, "info" if unit.text.startswith("info") else unit.text


def _numbered_severity(reading: Reading, at: int) -> Iterator[tuple[int, int, str]]:
    """ "sev 1", "priority: 2" """
    unit, number = reading.unit(at), reading.unit(at + 1)
    if unit.text == "p" or len(number.text) != 1 or not number.text.isdigit():
        return
    place = int(number.text) - (1 if unit.text.startswith("sev") else 0)
    if 0 <= place < (4 if unit.text.startswith("sev") else 5):
        yield unit.start, number.end, _ORDER[place]


def _is_severity(reading: Reading, at: int) -> bool:
    word, before, following = reading.word(at), reading.word(at - 1), reading.word(at + 1)
    if before in _NAMES or following in _NAMES:
        return True
    if reading.word(at - 2) in _NAMES and before in ("is", "to", "of", "as", "from", ":"):
        return True
    if following in _CALLS:
        return True
    if word.startswith("info"):
        return False
    return (
        (word == "critical" and following in _SEVERITY_BESIDE)
        or _is_set(reading, at)
        or _is_said(reading, at)
        or _goes_with_another(reading, at)
    )


def _is_set(reading: Reading, at: int) -> bool:
    """ "raise it to high" """
    if reading.word(at - 1) not in ("to", "as", "from"):
        return False
    return any(reading.word(place) in _SEVERITY_VERBS for place in range(max(0, at - 8), at))


def _is_said(reading: Reading, at: int) -> bool:
    """ "INC-20 is no longer critical", "make it medium": of an incident, with no noun after it."""
    following = reading.unit(at + 1)
    ends = not following.text or bool(following.gap.strip()) or bool(following.tag & Tag.CLOSED)
    said = reading.word(at - 1) in ("is", "it", "longer", "not", "was", "be", "still", "this", "that")
    return ends and said and reading.has(_INCIDENTS)


def _goes_with_another(reading: Reading, at: int) -> bool:
    """ "high and critical alerts" """
    if reading.word(at - 1) in ("and", "or"):
        return reading.word(at - 2) in _SEVERITY_WORDS
    if reading.unit(at).gap.strip() == ",":
        return reading.word(at - 1) in _SEVERITY_WORDS
    joined = reading.word(at + 1) in ("and", "or") and reading.word(at + 2) in _SEVERITY_WORDS
    return joined and reading.word(at + 3) in _SEVERITY_BESIDE


# --- log levels --------------------------------------------------------------------------------------


def find_log_levels(reading: Reading) -> tuple[Named, ...]:
    return taken(reading, _log_levels(reading))


def _log_levels(reading: Reading) -> Iterator[tuple[int, int, str]]:
    logging = reading.has(_LOGS)
    for at, unit in enumerate(reading.units):
        level = _LEVELS.get(unit.text)
        if level is not None and _is_level(reading, at, unit, logging=logging):
            yield unit.start, unit.end, level


def _is_level(reading: Reading, at: int, unit: Unit, *, logging: bool) -> bool:
    before, following = reading.word(at - 1), reading.word(at + 1)
    if before in ("level", "lvl") or following in ("level", "levels", "lvl"):
        return True
    if before in ("is", "at", "=", "of") and reading.word(at - 2) in ("level", "lvl"):
        return True
    if following in _RATES or (unit.text == "warn" and following in ("me", "us", "if", "when")):
        return False
    if following in _LEVEL_BESIDE:
        return True
    if following in ("and", "or") and reading.word(at + 2) in _LEVELS:
        return logging or reading.word(at + 3) in _LEVEL_BESIDE
    return _stands_for_logs(unit, following, logging=logging)


def _stands_for_logs(unit: Unit, following: str, *, logging: bool) -> bool:
    """ "warnings" alone are log lines; "errors" only where logs are spoken of."""
    shouted = unit.raw.isupper() and len(unit.raw) > 2
    if unit.text in _OF_LOGS:
        plural = unit.text.endswith("s") and following not in ("alert", "alerts")
        return logging or plural or shouted
    if unit.text in ("critical", "info", "informational", "infos", "err"):
        return shouted and logging
    return logging
