"""Times in a text: where each stands, and the window that it means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.nlp.amounts import NUMBER_WORDS
from actors.nlp.sentence import Sentence
from actors.nlp.times import vocabulary as v
from actors.nlp.times.calendar import Calendar, Window
from actors.nlp.times.dates import NEAR
from actors.nlp.times.elapsed import before_that, before_window
from actors.nlp.times.expressions import Expression
from actors.nlp.times.grammar import expression
from actors.nlp.tokens import Token, begins_alone, stands_alone, tokenize
from schemas.errors import InvalidInput, Violation

FIRST_YEAR, LAST_YEAR = 1970, 2999
HOUR = timedelta(hours=1)
_BEGINS = (
    NUMBER_WORDS
    | v.BACKWARD
    | v.CURRENT
    | v.AHEAD
    | v.AROUND
    | frozenset(v.WEEKDAYS)
    | frozenset(v.MONTHS)
    | frozenset(v.PART_WORDS)
    | frozenset(v.NAMED_CLOCKS)
    | frozenset(NEAR)
    | v.BEGINS
)
"""Words that an expression can begin with; numbers, clocks and stamps can too."""


@dataclass(frozen=True, slots=True)
class FoundTime:
    start: int
    end: int
    window: Window
    ahead: bool = False
    """Lies in the future; other windows are cut at now."""


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


def sentence_of(tokens: tuple[Token, ...]) -> Sentence:
    """With the misspelt words of time set right."""
    return Sentence(tuple(_spelt(token) for token in tokens))


def _spelt(token: Token) -> Token:
    if token.kind != "word" or len(token.text) < v.SHORTEST_CORRECTED:
        return token
    right = v.SPELLING.right(token.text)
    return token if right == token.text else replace(token, text=right)


def looks_ahead(tokens: tuple[Token, ...]) -> bool:
    """True when a word says that what is to come is meant, or the text is an order."""
    if any(token.text in v.FORWARD for token in tokens):
        return True
    words = (token.text for token in tokens if token.kind == "word")
    return next((word for word in words if word not in v.BEFORE_ORDERS), "") in v.ORDERS


def find_times(text: str, calendar: Calendar, tokens: tuple[Token, ...] | None = None) -> tuple[FoundTime, ...]:
    """From left to right, the longest expression at each place. "The hour before that" is seen from the time
    named before it in the text, or else from `calendar.earlier`."""
    sentence = sentence_of(tokenize(text) if tokens is None else tokens)
    calendar = replace(calendar, forward=looks_ahead(sentence.tokens))
    found: list[FoundTime] = []
    at = 0
    while at < len(sentence):
        here = time_at(text, sentence, at, calendar)
        if here is None:
            at += 1
        else:
            found.append(here[0])
            calendar = replace(calendar, earlier=here[0].window)
            at = here[1]
    return tuple(found)


def time_at(text: str, sentence: Sentence, at: int, calendar: Calendar) -> tuple[FoundTime, int] | None:
    """The expression that begins at token `at`, and the token after it."""
    token = sentence[at]
    if token.kind == "sign" or (token.kind == "word" and token.text not in _BEGINS):
        return None
    if not begins_alone(text, token.start):
        return None
    parsed = expression(sentence, at, forward=calendar.forward)
    if parsed is None:
        return None
    start, end = token.start, sentence[parsed[1] - 1].end
    if not stands_alone(text, start, end):
        return None
    window = _resolve(parsed[0], calendar)
    if window is None:
        return None
    ahead = window.start >= calendar.now
    cut = window if ahead else Window(window.start, min(window.end, calendar.now))
    return FoundTime(start, end, cut, ahead), parsed[1]


def relative_at(
    text: str, sentence: Sentence, at: int, calendar: Calendar, *, stated: bool
) -> tuple[Window, int] | None:
    """ "the previous hour", "the week before", "30 minutes earlier", seen from `calendar.earlier` (not None).
    Where that window is not `stated` in the text, a previous day or week is the calendar's."""
    found = before_that(sentence, at) or (before_window(sentence, at) if stated else None)
    window = _resolve(found[0], calendar) if found and stands_alone(text, *_span(sentence, at, found[1])) else None
    return (window, found[1]) if window and found else None


def _span(sentence: Sentence, first: int, after: int) -> tuple[int, int]:
    return sentence[first].start, sentence[after - 1].end


def _resolve(meant: Expression, calendar: Calendar) -> Window | None:
    try:
        start, end = meant.window(calendar)
    except (ValueError, OverflowError, OSError):
        return None  # a date that does not exist, or one beyond the calendar: nothing that can be asked for
    return Window(start, end) if start < end else None
