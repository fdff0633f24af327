"""The other time window of a comparison: "compared to yesterday", "than the hour before", "week over week"."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from datetime import datetime, timedelta

from actors.nlp.entities.found import FoundComparison
from actors.nlp.entities.reading import Reading
from actors.nlp.entities.tables import table, words
from actors.nlp.phrases import Phrases, listed
from actors.nlp.times import Calendar, FoundTime, Window, last_hour, relative_at, time_at
from actors.nlp.times.calendar import months_before
from actors.nlp.times.vocabulary import UNITS, Unit

_LEADS: Phrases[bool] = Phrases((phrase, True) for phrase in listed(str(table("comparisons")["leads"]["phrases"])))
_VERBS, _JOINTS = words("comparisons", "leads", "verbs"), words("comparisons", "leads", "joints")
_BETWEEN = words("comparisons", "leads", "between")
_OVER: Phrases[Unit] = Phrases(
    (phrase, UNITS[unit])
    for unit, phrases in table("comparisons")["over"].items()
    for phrase in listed(str(phrases))
)
_SAME: Phrases[bool] = Phrases((phrase, True) for phrase in listed(str(table("comparisons")["same"]["phrases"])))
_DAYS: dict[Unit, int] = {"day": 1, "week": 7}
_MONTHS: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}
_PERIODS = frozenset({"period", "window", "interval", "timeframe", "one", "span"})
_BEFORE = frozenset({"previous", "prior", "preceding", "earlier", "last"})
FURTHEST_LEAD = 3


class Comparing:
    """Takes the windows that are compared with out of the times of one text."""

    def __init__(self, reading: Reading, calendar: Calendar, times: tuple[FoundTime, ...]) -> None:
        self._reading = reading
        self._calendar = calendar
        self._starts = [token.start for token in reading.s.tokens]
        self._compares = reading.has(_VERBS)
        self.times = list(self._split(times))
        self.found: list[FoundComparison] = []
        self._led()
        self._phrases()
        self._joined()
        self.found.sort(key=lambda comparison: comparison.start)

    # --- times that stand after words of comparison --------------------------------------------------

    def _led(self) -> None:
        for time in tuple(self.times):
            if self._lead(self._token(time.start)):
                self.times.remove(time)
                self._add(time.start, time.end, self._apart(time.window))

    def _lead(self, token: int) -> bool:
        """Words of comparison before the token, with small words between."""
        s = self._reading.s
        if self._compares and s.word(token - 1) in ("with", "to", "against"):
            return True
        for at in range(token, max(-1, token - FURTHEST_LEAD), -1):
            if _LEADS.before(s, at) is not None:
                return True
            if s.word(at - 1) not in _BETWEEN:
                return False
        return False

    def _joined(self) -> None:
        """ "compare today with yesterday": two times, the second is the other."""
        if not self._compares or self.found or len(self.times) < 2:
            return
        first, second = self.times[0], self.times[1]
        between = self._reading.text[first.end : second.start].lower().split()
        if len(between) <= FURTHEST_LEAD and any(word in _JOINTS for word in between):
            self.times.remove(second)
            self._add(second.start, second.end, self._apart(second.window))

    def _split(self, times: tuple[FoundTime, ...]) -> tuple[FoundTime, ...]:
        """ "compare between yesterday and today" names two windows, not one from the first to the second."""
        parts: list[FoundTime] = []
        for time in times:
            halves = self._halves(time) if self._compares else None
            parts.extend(halves or (time,))
        return tuple(parts)

    def _halves(self, time: FoundTime) -> tuple[FoundTime, FoundTime] | None:
        reading = self._reading
        at = self._token(time.start)
        start = at + 1 if reading.s.word(at) in ("between", "from") else at
        first = time_at(reading.text, reading.s, start, self._calendar)
        after = first[1] if first else start
        while first is None or after >= len(reading.s) or reading.s.word(after) not in ("and", "to"):
            return None
        second = time_at(reading.text, reading.s, after + 1, self._calendar)
        if second is None or second[0].end != time.end or _is_clock_only(reading, start):
            return None
        return first[0], second[0]

    # --- phrases of their own ------------------------------------------------------------------------

    def _phrases(self) -> None:
        at = 0
        while at < len(self._reading.s):
            at = self._over(at) or self._same(at) or self._relative(at) or at + 1

    def _over(self, at: int) -> int | None:
        here = _OVER.at(self._reading.s, at)
        if here is None:
            return None
        unit, after = here
        main = self._main()
        first = None if main else Window(self._shifted(self._calendar.now, unit), self._calendar.now)
        base = main or first or last_hour(self._calendar)
        self._add(*self._reading.span(at, after), self._shift(base, unit), first)
        return after

    def _same(self, at: int) -> int | None:
        """ "same time yesterday", "this time last week": the window on this side, so much earlier."""
        here = _SAME.at(self._reading.s, at)
        if here is None:
            return None
        start = self._reading.s.skip(here[1], "on", "of", "a", "the") if here else at
        found = time_at(self._reading.text, self._reading.s, start, self._calendar)
        if found is None and start > here[1]:
            found = time_at(self._reading.text, self._reading.s, here[1], self._calendar)
        if found is None:
            return None
        time, after = found
        self.times = [other for other in self.times if other.end <= time.start or other.start >= time.end]
        self.found = [other for other in self.found if other.end <= time.start or other.start >= time.end]
        base = self._main() or last_hour(self._calendar)
        self._add(self._reading.s[at].start, time.end, self._earlier(base, time.window))
        return after

    def _relative(self, at: int) -> int | None:
        """ "the previous hour", "the week before", "the previous period": seen from the window on this side."""
        s = self._reading.s
        main = self._main()
        if not self._lead(at):
            return None
        start = s.skip(at, "the", "a")
        if s.word(start) in _BEFORE and s.word(start + 1) in _PERIODS:
            base = main or last_hour(self._calendar)
            self._replace(at, start + 2, Window(base.start - base.length, base.start))
            return start + 2
        there = replace(self._calendar, earlier=main or last_hour(self._calendar))
        found = relative_at(self._reading.text, s, at, there, stated=main is not None)
        if found is None:
            return None
        window, after = found
        self._replace(at, after, window)
        return after

    # --- windows -------------------------------------------------------------------------------------

    def _main(self) -> Window | None:
        return self.times[0].window if self.times else None

    def _apart(self, window: Window) -> Window:
        """Compared with itself a window would say nothing: then the one before it is meant."""
        if window == (self._main() or last_hour(self._calendar)):
            return Window(window.start - window.length, window.start)
        return window

    def _shift(self, base: Window, unit: Unit) -> Window:
        return Window(self._shifted(base.start, unit), self._shifted(base.end, unit))

    def _shifted(self, instant: datetime, unit: Unit) -> datetime:
        """One unit earlier by the wall clock; hours are elapsed time."""
        if unit not in _DAYS and unit not in _MONTHS:
            return instant - timedelta(hours=1)
        local = instant.astimezone(self._calendar.zone)
        months = _MONTHS.get(unit)
        day = months_before(local.date(), months) if months else local.date() - timedelta(days=_DAYS[unit])
        return self._calendar.at(day, local.time().replace(tzinfo=None))

    def _earlier(self, base: Window, there: Window) -> Window:
        """The window, moved back to the day (or by the weeks) that `there` begins."""
        zone = self._calendar.zone
        days = (self._calendar.today - there.start.astimezone(zone).date()).days
        if there.length > timedelta(days=8):
            return self._shift(base, "month")
        if there.length > timedelta(days=2):
            days = 7 * max(1, days // 7)

        def back(instant: datetime) -> datetime:
            local = instant.astimezone(zone)
            return self._calendar.at(local.date() - timedelta(days=days), local.time().replace(tzinfo=None))

        return Window(back(base.start), back(base.end))

    def _replace(self, first: int, after: int, window: Window) -> None:
        start, end = self._reading.span(first, after)
        self.times = [time for time in self.times if time.end <= start or time.start >= end]
        self.found = [other for other in self.found if other.end <= start or other.start >= end]
        self._add(start, end, window)

    def _add(self, start: int, end: int, window: Window, first: Window | None = None) -> None:
        self._reading.board.take(start, end)
        self.found.append(FoundComparison(start, end, self._reading.text[start:end], window, first))

    def _token(self, start: int) -> int:
        return bisect_left(self._starts, start)


def _is_clock_only(reading: Reading, at: int) -> bool:
    return reading.s[at].kind in ("clock", "number")
