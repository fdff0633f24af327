"""Places in a list: "the second one", "the last two", "both", "the other one"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from actors.nlp.dialogue.words import NOUNS

SUPERLATIVES = ("worst", "slowest", "highest", "busiest", "biggest", "noisiest", "largest")
"""Lists show the worst first. "The 3 slowest services" is no place in a list, "the slowest one" is."""
_PLACES = (
    ("first", "1st", "former", "top", "topmost", "upper", *SUPERLATIVES),
    ("second", "2nd"),
    ("third", "3rd"),
    ("fourth", "4th"),
    ("fifth", "5th"),
    ("sixth", "6th"),
    ("seventh", "7th"),
    ("eighth", "8th"),
    ("ninth", "9th"),
    ("tenth", "10th"),
)
_PLACE: dict[str, int] = {word: at for at, words in enumerate(_PLACES) for word in words}
_LAST = frozenset({"last", "latter", "bottom", "lowest", "final", "lower"})
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "couple": 2}
_NUMBERS = {"one": 1, **_COUNTS, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_BESIDE: dict[str, Literal["other", "next", "previous"]] = {
    "other": "other",
    "others": "other",
    "next": "next",
    "previous": "previous",
}
_ORDINAL = "|".join((*_PLACE, *sorted(_LAST), *_BESIDE))
_NOUN = "|".join((*sorted(NOUNS, key=len, reverse=True), "options?", "choices?", "entry", "entries", "items?"))
_COUNT = rf"(?:of the )?(?P<count>{'|'.join(_COUNTS)}|[2-9])"
_RANKED = "|".join(("top", "topmost", "bottom", "lowest", *SUPERLATIVES))
_NAMED = re.compile(
    rf"\b(?!(?:{_RANKED})\b(?! one\b| ones\b))(?P<place>{_ORDINAL})"
    rf"(?:[ -](?:to|from)[ -](?P<from>last))?(?: {_COUNT})? (?:(?P<one>ones?)|(?P<noun>{_NOUN})(?! §))\b"
)
_BARE = re.compile(
    rf"\bthe (?P<place>{_ORDINAL}) {_COUNT}\b|\bthe (?P<alone>former|latter|others?)\b(?! §)|"
    rf"\bthe (?P<end>{_ORDINAL})(?= please\W*$|\W*$)"
)
_NUMBERED = re.compile(r"(?:\b(?:number|nr|no\.|option) ?|#)(?P<number>[1-9])(?![\w.])")
_WHOLE = re.compile(
    rf"^(?:and |what about |how about |also |now |or |same |for |of |on |in |to |with |show |show me |"
    rf"the |option |number |nr |no |answer |choice |it's |i mean |i'd say |take |use )*"
    rf"(?:(?P<place>{_ORDINAL})(?: one)?|(?P<number>[1-9]|{'|'.join(_NUMBERS)}))(?: please| pls| one| thanks)*\W*$"
)
_ALL = re.compile(
    r"\b(?:both|(?:all|each|every one|any) of (?:them|these|those|the (?:two|three|four|five))|"
    r"all (?:two|three|four|five)|(?:them|these|those) all)\b"
)
_ANY = re.compile(
    r"\b(?:all services|every ?one|every service|everything|the (?:rest|remaining ones)|all (?:the )?others)\b|"
    r"^(?:all|any|every|each|overall|whatever|doesn't matter|all together|either)(?: please)?\W*$"
)


@dataclass(frozen=True, slots=True)
class Ordinal:
    """`places` are positions from 0, negative ones from the end; `noun` the word that stands beside it. `all` is
    of what was listed, `any` may be of everything there is."""

    kind: Literal["places", "all", "any", "other", "next", "previous"]
    places: tuple[int, ...] = ()
    noun: str = ""

    def of(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The names meant; () where the list is shorter."""
        if self.kind in ("all", "any"):
            return names
        found = tuple(names[place] for place in self.places if -len(names) <= place < len(names))
        return found if len(found) == len(self.places) else ()


def place_spans(message: str) -> tuple[tuple[int, int], ...]:
    """Where a message speaks of places with a number in them: "the last two", "the second one"."""
    lowered = message.lower()
    if len(lowered) != len(message):
        return ()
    return tuple(found.span() for pattern in (_NAMED, _BARE) for found in pattern.finditer(lowered))


def ordinal(text: str) -> Ordinal | None:
    """`text` in lower case, names replaced, numbers left in."""
    whole = _WHOLE.search(text)
    if whole:
        return _of_number(whole["number"]) if whole["number"] else _of_place(whole["place"], None, "")
    named = _NAMED.search(text)
    if named:
        place = "second-last" if named["from"] else named["place"]
        return _of_place(place, named["count"], named["noun"] or "")
    numbered = _NUMBERED.search(text)
    if numbered:
        return _of_number(numbered["number"])
    bare = _BARE.search(text)
    if bare:
        return _of_place(bare["place"] or bare["alone"] or bare["end"], bare["count"], "")
    if _ALL.search(text):
        return Ordinal("all")
    return Ordinal("any") if _ANY.search(text) else None


def _of_number(number: str) -> Ordinal:
    return Ordinal("places", ((_NUMBERS.get(number) or int(number)) - 1,))


def _of_place(place: str, count: str | None, noun: str) -> Ordinal:
    many = 1 if count is None else _COUNTS.get(count) or int(count)
    if place in _BESIDE:
        return Ordinal(_BESIDE[place], noun=noun)
    if place == "second-last":
        return Ordinal("places", (-2,), noun)
    if place in _LAST:
        return Ordinal("places", tuple(range(-many, 0)), noun)
    first = _PLACE[place]
    return Ordinal("places", tuple(range(first, first + many)), noun)


def is_place(word: str) -> bool:
    """A word of places in a list."""
    return word.isdigit() or word in _PLACE_WORDS


_PLACE_WORDS = frozenset(
    {*_PLACE, *_LAST, *_BESIDE, *_NUMBERS, "option", "options", "choice", "any", "whatever", "both", "everything"}
    | {"everyone", "number", "doesn", "matter", "either", "them", "ones", "others", "couple", "rest", "remaining"}
)
