"""Times in a text: where each stands, and the window that it means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.nlp.times.calendar import Calendar, Window
from actors.nlp.times.expressions import Expression
from actors.nlp.times.grammar import STARTERS, expression
from actors.nlp.times.sentence import Sentence
from actors.nlp.times.vocabulary import SHORT_WEEKDAYS, WEEKDAYS
from actors.nlp.tokens import Token, begins_alone, stands_alone, tokenize
from schemas.errors import InvalidInput, Violation

FIRST_YEAR, LAST_YEAR = 1970, 2999
HOUR = timedelta(hours=1)
_BEGINS = STARTERS | set(WEEKDAYS) | set(SHORT_WEEKDAYS)


@dataclass(frozen=True, slots=True)
class FoundTime:
    start: int
    end: int
    window: Window


def calendar_for(as_of: datetime, timezone: str, earlier: Window | None = None) -> Calendar:
    """Raises InvalidInput for a zone that does not exist and an instant that no calendar work is safe around."""
    if not FIRST_YEAR <= as_of.year <= LAST_YEAR:
        detail = f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}"
        raise InvalidInput("as_of is out of bounds", violations=(Violation(pointer="/as_of", detail=detail),))
    return Calendar(as_of.astimezone(UTC), _zone(timezone), earlier)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        wrong = Violation(pointer="/timezone", detail=f"{name[:60]!r} is not an IANA time zone")
        raise InvalidInput("the time zone is not known", violations=(wrong,)) from error


def last_hour(calendar: Calendar) -> Window:
    """What holds when no time is named."""
    return Window(calendar.now - HOUR, calendar.now)


def find_times(text: str, calendar: Calendar, tokens: tuple[Token, ...] | None = None) -> tuple[FoundTime, ...]:
    """From left to right, the longest expression at each place. What lies in the future is not found, and what
    reaches into it is cut at now."""
    sentence = Sentence(tokenize(text) if tokens is None else tokens)
    found: list[FoundTime] = []
    at = 0
    while at < len(sentence.tokens):
        here = _at(text, sentence, at, calendar)
        if here is None:
            at += 1
        else:
            found.append(here[0])
            at = here[1]
    return tuple(found)


def _at(text: str, sentence: Sentence, at: int, calendar: Calendar) -> tuple[FoundTime, int] | None:
    token = sentence[at]
    if token.kind == "sign" or (token.kind == "word" and token.text not in _BEGINS):
        return None
    if not begins_alone(text, token.start):
        return None
    parsed = expression(sentence, at)
    if parsed is None:
        return None
    start, end = token.start, sentence[parsed[1] - 1].end
    window = _resolve(parsed[0], calendar) if stands_alone(text, start, end) else None
    return (FoundTime(start, end, window), parsed[1]) if window else None


def _resolve(meant: Expression, calendar: Calendar) -> Window | None:
    try:
        start, end = meant.window(calendar)
    except (ValueError, OverflowError):
        return None  # a date that does not exist, or one beyond the calendar: nothing that can be asked for
    end = min(end, calendar.now)
    return Window(start, end) if start < end else None
