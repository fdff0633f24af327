"""Clock times and zones: "14:00", "2pm", "half past three", "noon UTC", "Europe/Berlin", "New York time".

Every function returns what begins at token `at` and the position after it, or None.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from actors.nlp.amounts import number
from actors.nlp.sentence import Sentence
from actors.nlp.times.edges import Moment, Present, Stamp
from actors.nlp.times.vocabulary import LONGEST_PLACE, NAMED_CLOCKS, OFFSETS, PLACES, place

MERIDIEMS = frozenset({"am", "pm", "a", "p"})
HOURS_AFTER = ("h", "hrs", "hours", "hour", "uhr")
LATEST_OFFSET = 14
DIGITS_OF_MILLISECONDS = 13


# --- zones -------------------------------------------------------------------------------------------


def zone(s: Sentence, at: int) -> tuple[tzinfo, int] | None:
    """ "UTC", "UTC+2", "+02:00", "Europe/Berlin", "Berlin time", "(CET)" """
    if s.word(at) == "(":
        inner = zone(s, at + 1)
        return (inner[0], inner[1] + 1) if inner and s.word(inner[1]) == ")" else None
    return offset_zone(s, at) or _offset(s, at) or _iana(s, at) or _spoken(s, at)


def offset_zone(s: Sentence, at: int) -> tuple[tzinfo, int] | None:
    """ "UTC", "CET", "UTC+2" """
    token = s[at]
    if token.text not in OFFSETS or (token.text == "z" and not token.glued):
        return None
    shifted = _offset(s, at + 1) if token.text in ("utc", "gmt") else None
    found = shifted or (OFFSETS[token.text], at + 1)
    return found[0], s.skip(found[1], "time")


def _offset(s: Sentence, at: int) -> tuple[tzinfo, int] | None:
    """ "+2", "-05:30": written against what comes before, as offsets are."""
    sign, hours = s[at], s[at + 1]
    if (
        sign.text not in ("+", "-")
        or not hours.glued
        or (s.word(at - 1) not in ("utc", "gmt") and sign.text == "-")
    ):
        return None
    if hours.kind == "clock":
        parts = hours.text.split(":")
        minutes = int(parts[0]) * 60 + int(parts[1])
    elif hours.kind == "number" and hours.text.isdigit():
        minutes = int(hours.text) * 60 if len(hours.text) <= 2 else _hhmm(hours.text)
    else:
        return None
    if minutes > LATEST_OFFSET * 60:
        return None
    return timezone(timedelta(minutes=-minutes if sign.text == "-" else minutes)), at + 2


def _hhmm(text: str) -> int:
    return int(text[:-2]) * 60 + int(text[-2:])


def _iana(s: Sentence, at: int) -> tuple[tzinfo, int] | None:
    if s[at].kind != "word" or s.word(at + 1) != "/" or s[at + 2].kind != "word" or not s[at + 1].glued:
        return None
    place_name = s.word(at + 2)
    after = at + 3
    while s.word(after) == "_" and s[after].glued and s[after + 1].kind == "word":
        place_name, after = f"{place_name}_{s.word(after + 1)}", after + 2
    try:
        return ZoneInfo(f"{s.word(at).title()}/{place_name.title()}"), s.skip(after, "time")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None  # two words with a slash between them that are no place


def _spoken(s: Sentence, at: int) -> tuple[tzinfo, int] | None:
    """ "Berlin time", "in New York", "ET" """
    if s[at].kind != "word":
        return None
    after_in = s.word(at - 1) == "in"
    for count in range(LONGEST_PLACE, 0, -1):
        words = [s.word(at + offset) for offset in range(count)]
        if not all(words):
            continue
        named = s.word(at + count) == "time" or s.follows(at + count, "standard", "time")
        short = count == 1 and len(words[0]) == 2 and words[0] in PLACES
        found = place(" ".join(words)) if named or short or after_in else None
        if found is not None:
            return found, s.past(at + count, ("time",), ("standard", "time"))
    return (UTC, at + 2) if s.follows(at, "zulu", "time") else None


# --- clock times -------------------------------------------------------------------------------------


def moment(s: Sentence, at: int, *, bare: bool = False) -> tuple[Moment | Stamp | Present, int] | None:
    """ "14:00", "2pm", "2:30 pm UTC", "half past three", "noon", "now"; with `bare` an hour alone too."""
    if s.word(at) in ("now", "present"):
        return Present(), at + 1
    stamp = _stamp(s, at)
    if stamp is not None:
        return stamp
    found = _clock(s, at, bare=bare) or _spoken_clock(s, at) or (_hour_word(s, at) if bare else None)
    if found is None:
        return None
    here, after = found
    if s.word(after) == "ish" or s.follows(after, "-", "ish"):
        here, after = replace(here, around=True), after + (1 if s.word(after) == "ish" else 2)
    place_at = s.skip(after, "in") if zone(s, after + 1) else after
    zoned = zone(s, place_at)
    return (replace(here, zone=zoned[0]), zoned[1]) if zoned else (here, after)


def _stamp(s: Sentence, at: int) -> tuple[Stamp, int] | None:
    start = s.skip(at, "@")
    token = s[start]
    if token.kind != "stamp" or (len(token.text) == 10 and "-" in token.text):
        return None
    if token.text.isdigit():
        return _epoch(token.text), start + 1
    try:
        value = datetime.fromisoformat(token.text.upper())
    except ValueError:
        return None
    zoned = None if value.tzinfo else zone(s, start + 1)
    return (Stamp(value.replace(tzinfo=zoned[0])), zoned[1]) if zoned else (Stamp(value), start + 1)


def _epoch(text: str) -> Stamp:
    """Seconds since 1970, or milliseconds when there are so many digits."""
    seconds = int(text) / (1000 if len(text) == DIGITS_OF_MILLISECONDS else 1)
    return Stamp(datetime.fromtimestamp(seconds, UTC))


def _clock(s: Sentence, at: int, *, bare: bool) -> tuple[Moment, int] | None:
    token = s[at]
    if token.text in NAMED_CLOCKS:
        return Moment(NAMED_CLOCKS[token.text]), at + 1
    if token.kind not in ("clock", "number"):
        return None
    parts = _parts(token.text)
    if parts is None:
        return None
    half = meridiem(s, at + 1)
    if half is not None and 1 <= parts[0] <= 12:
        hour = parts[0] % 12 + (12 if half[0] == "pm" else 0)
        return _made(hour, parts[1], parts[2], half[1], hourly=token.kind == "number" and "." not in token.text)
    if token.kind == "clock":
        return _made(*parts, s.skip(at + 1, *HOURS_AFTER), hourly=False)
    return _hours_alone(s, at, bare=bare)


def _parts(text: str) -> tuple[int, int, int] | None:
    """Hours, minutes, seconds; "2.30" only as British people write it."""
    pieces = text.replace(".", ":").split(":")
    if "." in text and len(pieces[1]) != 2:
        return None
    return int(pieces[0]), int(pieces[1]) if len(pieces) > 1 else 0, int(pieces[2]) if len(pieces) > 2 else 0


def meridiem(s: Sentence, at: int) -> tuple[str, int] | None:
    """ "pm", "p.m." """
    word = s.word(at)
    if word in ("am", "pm"):
        return word, at + 1
    if word in ("a", "p") and s.follows(at + 1, ".", "m"):
        ends = s.word(at + 3) == "." and s[at + 3].glued and s[at + 4].text != ""
        return f"{word}m", at + 4 if ends else at + 3
    return None


def _hours_alone(s: Sentence, at: int, *, bare: bool) -> tuple[Moment, int] | None:
    """ "14h", "14h30", "3 o'clock", "1400 hours"; with `bare` "14"."""
    text = s.word(at)
    if not text.isdigit():
        return None
    clocked = s.past(at + 1, ("o", "'", "clock"), ("o", "’", "clock"), ("oclock",))
    if clocked > at + 1:
        return _made(int(text), 0, 0, clocked, hourly=True, either=1 <= int(text) <= 12)
    if len(text) == 4 and s.word(at + 1) in ("h", "hrs", "hours"):
        return _made(int(text[:2]), int(text[2:]), 0, at + 2, hourly=False)
    if not bare or len(text) > 2:
        return None
    either = 1 <= int(text) <= 12 and len(text) == len(str(int(text)))
    return _made(int(text), 0, 0, at + 1, hourly=True, either=either)


def french(s: Sentence, at: int) -> tuple[Moment, int] | None:
    """ "14h", "14h30": a clock time only where a duration makes no sense ("since 14h" is both: not read here)."""
    text = s.word(at)
    if s[at].kind != "number" or not text.isdigit() or s.word(at + 1) != "h" or not s[at + 1].glued:
        return None
    minutes = s[at + 2]
    if minutes.kind == "number" and minutes.glued and len(minutes.text) == 2:
        return _made(int(text), int(minutes.text), 0, at + 3, hourly=False)
    return _made(int(text), 0, 0, at + 2, hourly=True)


def _made(
    hour: int, minute: int, second: int, after: int, *, hourly: bool, either: bool = False
) -> tuple[Moment, int] | None:
    try:
        return Moment(time(hour, minute, second), hourly=hourly, either=either), after
    except ValueError:
        return None  # 25:70


def _spoken_clock(s: Sentence, at: int) -> tuple[Moment, int] | None:
    """ "half past three", "quarter to nine", "ten past 4", "three o'clock" """
    if s[at].kind != "word":
        return None
    start = s.skip(at, "a")
    minutes, after = _minutes(s, start)
    if minutes is None:
        return _spoken_hour(s, at)
    joint = s.word(after)
    hour = number(s, after + 1)
    if joint not in ("past", "after", "to", "before", "til") or hour is None or not 1 <= hour[0] <= 24:
        return _spoken_hour(s, at)
    before = joint in ("to", "before", "til")
    total = int(hour[0]) * 60 + (-minutes if before else minutes)
    half = meridiem(s, hour[1])
    hours, after = total // 60 % 24, half[1] if half else hour[1]
    if half is not None:
        hours = hours % 12 + (12 if half[0] == "pm" else 0)
    return _made(hours, total % 60, 0, after, hourly=False, either=half is None and hour[0] <= 12)


def _minutes(s: Sentence, at: int) -> tuple[int | None, int]:
    """Up to the joint: "half", "quarter", "ten", "twenty five minutes"."""
    word = s.word(at)
    if word in ("half", "quarter"):
        return (30 if word == "half" else 15), at + 1
    found = number(s, at)
    if found is None or found[0] not in (5, 10, 20, 25):
        return None, at
    return int(found[0]), s.skip(found[1], "minutes", "mins")


def _hour_word(s: Sentence, at: int) -> tuple[Moment, int] | None:
    """ "(between) eight (and nine this morning)" """
    found = number(s, at)
    if found is None or not 1 <= found[0] <= 12 or found[0] != int(found[0]) or s[at].kind != "word":
        return None
    return _made(int(found[0]), 0, 0, found[1], hourly=True, either=True)


def _spoken_hour(s: Sentence, at: int) -> tuple[Moment, int] | None:
    found = number(s, at)
    if found is None or not 1 <= found[0] <= 12 or found[0] != int(found[0]):
        return None
    after = s.past(found[1], ("o", "'", "clock"), ("o", "’", "clock"), ("oclock",))
    half = meridiem(s, found[1])
    if half is not None:
        return _made(int(found[0]) % 12 + (12 if half[0] == "pm" else 0), 0, 0, half[1], hourly=True)
    return _made(int(found[0]), 0, 0, after, hourly=True, either=True) if after > found[1] else None
