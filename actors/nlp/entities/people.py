"""People: "assign it to Maria", "page @sam", "John's incidents", "assign it to me"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actors.nlp.entities.found import Named
from actors.nlp.entities.lexicon import Tag
from actors.nlp.entities.reading import Reading, Unit, taken
from actors.nlp.entities.tables import table, words
from actors.nlp.phrases import Phrases, listed

_DOUBTFUL = frozenset(listed(str(table("people")["leads"]["doubtful"])))
_LEADS: Phrases[str] = Phrases(
    (phrase, phrase) for phrase in (*listed(str(table("people")["leads"]["phrases"])), *_DOUBTFUL)
)
_VERBS = words("people", "leads", "verbs")
_SELF = words("people", "leads", "self")
_GROUPS = frozenset({"team", "squad", "service", "api", "cluster", "people", "channel", "replicas"})
_MINE, _NEVER = words("people", "leads", "mine"), words("people", "never")
_NAME = re.compile(r"[^\W\d_][\w.'’-]{0,40}\Z")
_HANDLE = re.compile(r"@[\w][\w.-]{0,60}")
_ASSIGNING = frozenset(
    {"assign", "assigned", "reassign", "assignee", "incident", "ticket", "escalate", "owner", "page"}
)


def find_people(reading: Reading) -> tuple[Named, ...]:
    found = taken(reading, (*_handles(reading), *_led(reading), *_owners(reading)))
    return tuple(sorted(found, key=lambda named: named.start))


def _handles(reading: Reading) -> Iterator[tuple[int, int, str]]:
    """ "@maria", not an address or a decorator inside a name."""
    for match in _HANDLE.finditer(reading.text):
        before = reading.text[match.start() - 1 : match.start()]
        name = match[0].rstrip(".-")
        if not (before.isalnum() or before in (".", "/", "_")) and len(name) > 1 and not name[1].isdigit():
            yield match.start(), match.start() + len(name), name[1:].lower()


def _led(reading: Reading) -> Iterator[tuple[int, int, str]]:
    for at, unit in enumerate(reading.units):
        phrase = _LEADS.at(reading.s, unit.token)
        if phrase is not None:
            yield from _named(reading, _unit_at(reading, at, phrase[1]), phrase[0])
        elif unit.text == "to" and any(reading.word(place) in _VERBS for place in range(max(0, at - 6), at)):
            yield from _named(reading, at + 1, "assign to")


def _unit_at(reading: Reading, at: int, token: int) -> int:
    while reading.word(at) and reading.unit(at).token < token:
        at += 1
    return at


def _named(reading: Reading, at: int, phrase: str) -> Iterator[tuple[int, int, str]]:
    unit = reading.unit(at)
    if unit.text in _SELF:
        if phrase.endswith((" to", " by")):
            yield unit.start, unit.end, "me"
        return
    if not _may_follow(reading, unit, phrase) or reading.word(at + 1) in _GROUPS:
        return
    following = reading.unit(at + 1)
    surname = unit.raw[:1].isupper() and following.gap == " " and _is_surname(following)
    last = following if surname else unit
    yield unit.start, last.end, " ".join(reading.text[unit.start : last.end].lower().split())


def _may_follow(reading: Reading, unit: Unit, phrase: str) -> bool:
    """A capital letter or a first name that is known, or a word that is nothing else after a clear lead."""
    if not _is_name(unit) or unit.possessive:
        return False
    known, capital = bool(unit.tag & Tag.PERSON), unit.raw[:1].isupper()
    if known or (capital and (phrase not in _DOUBTFUL or not unit.tag)):
        return True
    if unit.tag & (Tag.TYPICAL | Tag.ORDINARY | Tag.WEAK):
        return False
    return phrase not in _DOUBTFUL or reading.has(_ASSIGNING)


def _is_surname(unit: Unit) -> bool:
    return unit.raw[:1].isupper() and _is_name(unit) and (not unit.tag or bool(unit.tag & Tag.PERSON))


def _is_name(unit: Unit) -> bool:
    return bool(_NAME.match(unit.raw)) and unit.text not in _NEVER and not unit.tag & Tag.CLOSED


def _owners(reading: Reading) -> Iterator[tuple[int, int, str]]:
    """ "my incidents", "Maria's tickets" """
    for at, unit in enumerate(reading.units):
        if unit.text == "my" and (reading.word(at + 1) in _MINE or reading.word(at + 2) in _MINE):
            yield unit.start, unit.end, "me"
        elif unit.possessive and _is_owner(unit) and reading.word(at + 1) in _MINE:
            yield unit.start, unit.end, unit.text


def _is_owner(unit: Unit) -> bool:
    return bool(unit.tag & Tag.PERSON) or (unit.raw[:1].isupper() and not unit.tag and _is_name(unit))
