"""What a word is, from `lexicon.toml`: whether it can be part of a service's name, and what it says about one."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actors.nlp.phrases import Phrases, listed
from actors.nlp.spelling import Spelling

_TABLES: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8")
)
_DOUBLING = 3
"""Letters. Short verbs double their last one ("stopped"); of both ways listed one is no word, and does no harm."""


class Tag:
    """Bits of a word's tags; plain numbers, for they are asked for several hundred times a sentence."""

    NONE = 0
    ORDINARY = 1
    """Never part of a name, unless TYPICAL or WEAK as well."""
    DETERMINER = 2
    PREPOSITION = 4
    AUXILIARY = 8
    CONJUNCTION = 16
    MEASURE = 32
    STATE = 64
    ACT = 128
    HEAD = 256
    """Left out of the canonical name."""
    KEPT_HEAD = 512
    TYPICAL = 1024
    WEAK = 2048
    NUMBER = 4096
    WH = 8192
    ADJECTIVE = 16384
    COMPOUND = 32768
    VERB = 65536
    CLOSED = 131072
    """Articles, pronouns, prepositions and other small words."""
    NOUN = 262144
    PERSON = 524288


def _words(table: str, name: str = "words") -> frozenset[str]:
    return frozenset(str(_TABLES[table][name]).split())


def _verb_forms(verb: str) -> Iterator[str]:
    stem = verb[:-1] if verb.endswith("e") else verb
    yield verb
    yield f"{verb[:-1]}ies" if _ends_in_y(verb) else f"{verb}es" if verb.endswith(_SIBILANTS) else f"{verb}s"
    yield f"{verb[:-1]}ied" if _ends_in_y(verb) else f"{stem}ed"
    yield f"{stem}ing"
    if len(verb) >= _DOUBLING and verb[-1] not in "aeiouwxy" and verb[-2] in "aeiou":
        yield from (f"{verb}{verb[-1]}ed", f"{verb}{verb[-1]}ing")


_SIBILANTS = ("s", "x", "z", "ch", "sh", "o")


def _ends_in_y(word: str) -> bool:
    return word.endswith("y") and word[-2:-1] not in tuple("aeiou")


def plural(noun: str) -> str:
    if _ends_in_y(noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(_SIBILANTS[:-1]) else f"{noun}s"


def _tagged() -> dict[str, int]:
    tags: dict[str, int] = {}

    def tag(words: frozenset[str] | set[str], flags: int) -> None:
        for word in words:
            tags[word] = tags.get(word, Tag.NONE) | flags

    for name in _TABLES["function"]:
        tag(_words("function", name), Tag.ORDINARY | _FUNCTION.get(name, Tag.CLOSED))
    tag(_words("adjectives"), Tag.ORDINARY | Tag.ADJECTIVE)
    tag({form for verb in _words("verbs") for form in _verb_forms(verb)}, Tag.ORDINARY | Tag.VERB)
    tag(_words("verbs", "irregular"), Tag.ORDINARY | Tag.VERB)
    tag({form for noun in _words("nouns") for form in (noun, plural(noun))}, Tag.ORDINARY | Tag.NOUN)
    tag(_words("people"), Tag.ORDINARY | Tag.PERSON)
    tag(_words("people", "places"), Tag.ORDINARY)
    tag(_words("measures"), Tag.ORDINARY | Tag.MEASURE)
    tag(_words("states"), Tag.ORDINARY | Tag.STATE)
    tag({form for verb in _words("acts") for form in _verb_forms(verb)}, Tag.ORDINARY | Tag.ACT)
    tag(_words("heads", "strip"), Tag.ORDINARY | Tag.HEAD)
    tag(_words("heads", "keep"), Tag.KEPT_HEAD)
    tag(_words("typical"), Tag.TYPICAL)
    tag(_words("weak"), Tag.WEAK)
    tag(_words("compounds"), Tag.ORDINARY | Tag.COMPOUND)
    return tags


_FUNCTION = {
    "determiners": Tag.DETERMINER | Tag.CLOSED,
    "prepositions": Tag.PREPOSITION | Tag.CLOSED,
    "conjunctions": Tag.CONJUNCTION | Tag.CLOSED,
    "auxiliaries": Tag.AUXILIARY | Tag.CLOSED,
    "wh": Tag.WH | Tag.CLOSED,
    "numbers": Tag.NUMBER,
}
_TAGS = _tagged()


def tag_of(word: str) -> int:
    """NONE for a word that nobody has listed: it may well be a name."""
    return _TAGS.get(word, Tag.NONE)


VERBS_TOO, AFTER_VERBS = _words("weak", "verbs"), _words("weak", "after_verbs")
AFTER_SERVICE = _words("weak", "after_service")
AROUND: dict[str, frozenset[str]] = {name: _words("around", name) for name in _TABLES["around"]}
STRIPPED = _words("heads", "strip")
LEADING_PHRASES: Phrases[bool] = Phrases((phrase, True) for phrase in listed(str(_TABLES["acts"]["phrases"])))
"""After one of these comes a name: "what about", "depends on"."""
SPELLING = Spelling(_words("spelling"), frozenset(_TAGS) | _words("spelling", "real"))
