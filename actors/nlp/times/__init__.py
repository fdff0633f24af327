"""Windows of time in text: a small grammar, resolved by the conventions of the design."""

from actors.nlp.times.calendar import Calendar, Window
from actors.nlp.times.find import (
    FoundTime,
    calendar_for,
    find_times,
    last_hour,
    looks_ahead,
    relative_at,
    sentence_of,
    time_at,
)

__all__ = [
    "Calendar",
    "FoundTime",
    "Window",
    "calendar_for",
    "find_times",
    "last_hour",
    "looks_ahead",
    "relative_at",
    "sentence_of",
    "time_at",
]
