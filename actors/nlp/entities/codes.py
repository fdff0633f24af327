"""Status codes and versions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actors.nlp.entities.found import Named
from actors.nlp.entities.lexicon import Tag, tag_of
from actors.nlp.entities.reading import Reading, taken
from actors.nlp.entities.tables import words

_STATUS = words("codes", "status", "known")
_STATUS_BEFORE, _STATUS_AFTER = words("codes", "status", "before"), words("codes", "status", "after")
_COUNTS, _SAYING = words("codes", "status", "counts"), words("codes", "status", "saying")
_SURE = frozenset({"http", "status", "code", "codes", "statuscode", "status_code"})
_COUNTING = frozenset({"than", "over", "above", "below", "least", "last", "first", "top", "to"})
_VERSION_LEAD, _VERSION_ACTS = words("codes", "version", "lead"), words("codes", "version", "acts")
_BESIDE_VERSION = frozenset({"than", "and", "vs", "versus", "to", "with", "or", "from", "against"})
_LATEST = words("codes", "version", "latest")

_STATUS_CODE = re.compile(r"(?:http-?)?([1-5](?:\d\d|xx))'?(s?)\Z")
_VERSION = re.compile(
    r"v?(\d{1,4}(?:\.\d{1,6}){1,3}(?:[-+.][0-9a-z][0-9a-z.+-]*)?|\d{1,4}(?=\Z))\Z", re.IGNORECASE
)
_BUILD = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{7,12}\Z|[a-z]*-?\d[\w.-]*\Z")


# --- status codes ------------------------------------------------------------------------------------


def find_status_codes(reading: Reading) -> tuple[Named, ...]:
    return taken(reading, _status_codes(reading))


def _status_codes(reading: Reading) -> Iterator[tuple[int, int, str]]:
    for at, unit in enumerate(reading.units):
        match = _STATUS_CODE.match(unit.text)
        if match is None:
            continue
        code, plural = match[1], match[2]
        if not code.endswith("xx") and (code not in _STATUS or not (plural or _is_status(reading, at))):
            continue
        end = unit.start + unit.text.index(code) + len(code)
        yield end - len(code), end, code


def _is_status(reading: Reading, at: int) -> bool:
    unit, before, following = reading.unit(at), reading.word(at - 1), reading.word(at + 1)
    if reading.text[unit.end : unit.end + 1] == "%":
        return False
    if unit.possessive or before in _SURE:  # "404's"
        return True
    if following in _COUNTS:
        return before in _SAYING or before not in _COUNTING
    ends = not following or bool(reading.unit(at + 1).gap.strip()) or _STATUS_CODE.match(following) is not None
    after = ends or following in _STATUS_AFTER or bool(tag_of(following) & Tag.CLOSED)
    return after and (before in _STATUS_BEFORE or following in ("bad", "status", "code", "not", "unauthorized"))


# --- versions ----------------------------------------------------------------------------------------


def find_versions(reading: Reading) -> tuple[Named, ...]:
    return taken(reading, _versions(reading))


def _versions(reading: Reading) -> Iterator[tuple[int, int, str]]:
    seen = False
    for at, unit in enumerate(reading.units):
        if unit.text in _LATEST:
            if _is_latest(reading, at):
                yield unit.start, unit.end, "latest"
            continue
        if not any(mark.isdigit() for mark in unit.text) or len(unit.text) > 60:
            continue
        match = _VERSION.match(unit.raw)
        before = reading.word(at - 1)
        led = before in _VERSION_LEAD or reading.word(at - 1).rstrip(":") in _VERSION_LEAD
        led = led or (seen and "." in unit.text and before in _BESIDE_VERSION)
        if match is not None and _is_version(reading, at, match[1], led=led):
            seen = True
            yield unit.end - len(match[1]), unit.end, match[1]
        elif match is None and led and _BUILD.match(unit.text):
            yield unit.start, unit.end, unit.raw


def _is_version(reading: Reading, at: int, number: str, *, led: bool) -> bool:
    unit, following = reading.unit(at), reading.word(at + 1)
    if reading.text[unit.end : unit.end + 1] in ("%", "x"):
        return False
    marked = unit.text.startswith("v")
    if marked or number.count(".") >= 2:
        return True
    if led:
        return not (number.isdigit() and following in ("replicas", "pods", "versions", "releases", "deploys"))
    if number.isdigit():
        return False
    if not (_acted(reading, at) or _after_name(reading, at)) or following in (
        "times",
        "percent",
        "seconds",
        "ms",
        "gb",
        "cores",
    ):
        return False
    return reading.word(at - 1) not in ("by", "than", "above", "below", "over", "under", "least")


def _after_name(reading: Reading, at: int) -> bool:
    """ "inventory 1.9 on staging" """
    before, following = reading.unit(at - 1), reading.word(at + 1)
    nominal = before.text and not before.tag & ~(Tag.TYPICAL | Tag.WEAK | Tag.KEPT_HEAD | Tag.HEAD | Tag.ORDINARY)
    return bool(nominal) and following in ("to", "on", "in", "into", "onto", "at", "with", "and", "")


def _acted(reading: Reading, at: int) -> bool:
    return any(reading.word(place) in _VERSION_ACTS for place in range(max(0, at - 6), at))


def _is_latest(reading: Reading, at: int) -> bool:
    return reading.word(at + 1) in ("version", "build", "release", "image", "tag") and _acted(reading, at)
