"""Words with one meaning: environments and languages."""

from __future__ import annotations

from actors.nlp.entities.found import Named
from actors.nlp.entities.lexicon import Tag, tag_of
from actors.nlp.entities.literals import TEST_WORDS
from actors.nlp.entities.reading import Reading, Unit
from actors.nlp.entities.tables import table, words
from actors.nlp.phrases import Phrases, listed
from actors.nlp.tokens import stands_alone

_ENVIRONMENTS: Phrases[str] = Phrases(
    (phrase, environment)
    for environment in ("production", "staging", "development", "test")
    for phrase in listed(str(table("vocabulary")["environment"][environment]))
)
_CLEAR = words("vocabulary", "environment", "clear")
_BEFORE, _AFTER = words("vocabulary", "environment", "before"), words("vocabulary", "environment", "after")
_PEOPLE = frozenset(
    {"team", "teams", "folks", "people", "guys", "engineer", "engineers", "lead", "manager", "tools"}
)
_ENDINGS = frozenset(
    {"please", "now", "again", "then", "first", "too", "today", "yesterday", "instead", "pls", "environment"}
)
_LANGUAGES = words("names", "languages")
_SIGNED = words("names", "languages", "signed")
_DOUBTFUL, _AFTER_DOUBTFUL = words("names", "languages", "doubtful"), words("names", "languages", "after_doubtful")
_CODE = TEST_WORDS | {"code", "script", "client", "sdk", "library", "function", "class", "module"}


def find_environments(reading: Reading) -> tuple[Named, ...]:
    found: list[Named] = []
    at = 0
    while at < len(reading.s):
        here = _ENVIRONMENTS.at(reading.s, at)
        if here is None:
            at += 1
            continue
        value, after = here
        start, end = reading.span(at, after)
        if (
            reading.board.free(start, end)
            and stands_alone(reading.text, start, end)
            and _is_place(reading, at, after)
        ):
            reading.board.take(start, end)
            found.append(Named(start, end, value))
        at = after
    return tuple(found)


def _is_place(reading: Reading, at: int, after: int) -> bool:
    s = reading.s
    before, word, following = s.word(at - 1), s.word(at), s.word(after)
    if following in _PEOPLE or (s[after].glued and following in ("-", "_") and s[after + 1].glued):
        return False
    if following in _AFTER and not (word == "test" and following == "namespace"):
        return True
    if word in _CLEAR:
        return True
    if before not in _BEFORE or before in ("the", "our", "is", "not", "only", "than"):
        return False
    if word == "stage":
        return before in ("in", "on", "to", "from", "and", "vs", "or")
    return _ends_here(reading, after)


def _ends_here(reading: Reading, after: int) -> bool:
    """ "deploy to test" is a place, "how to test checkout" is not."""
    following = reading.s[after]
    if following.kind in ("sign", "clock", "stamp") or not following.text:
        return True
    small = tag_of(following.text) & (Tag.PREPOSITION | Tag.CONJUNCTION | Tag.AUXILIARY)
    return bool(small) or following.text in _ENDINGS


def find_languages(reading: Reading) -> tuple[Named, ...]:
    coding = reading.has(_CODE)
    found: list[Named] = []
    for at, unit in enumerate(reading.units):
        if not reading.board.free(unit.start, unit.end) or not _is_language(reading, at, unit, coding=coding):
            continue
        reading.board.take(unit.start, unit.end)
        found.append(Named(unit.start, unit.end, unit.text))
    return tuple(found)


def _is_language(reading: Reading, at: int, unit: Unit, *, coding: bool) -> bool:
    before, following = reading.word(at - 1), reading.word(at + 1)
    if unit.text in _SIGNED:
        return True
    if unit.text in _LANGUAGES:
        return coding or before in ("in", "using")
    if unit.text not in _DOUBTFUL or not coding:
        return False
    if before in ("in", "using") and (unit.text != "go" or following not in ("live", "down", "up")):
        return not following or tag_of(following) & Tag.ORDINARY != 0
    return following in _AFTER_DOUBTFUL and (unit.raw != "go" or before in ("the", "our", "my", "some", "a"))
