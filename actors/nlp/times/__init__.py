"""Windows of time in text: a small grammar, resolved by the conventions of the design."""

from actors.nlp.times.calendar import Calendar, Window
from actors.nlp.times.find import FoundTime, calendar_for, find_times, last_hour

__all__ = ["Calendar", "FoundTime", "Window", "calendar_for", "find_times", "last_hour"]
