"""Words that must mean a service although the catalogue has none of that name: "the foo service",
"error rate of foo", "is foo ok?", "paymnt"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actors.nlp.entities.services import NOISE, ServiceIndex, is_typo, singular
from actors.nlp.tokens import Token, stands_alone
from actors.nlp.words import WORDS

EXPLICIT = frozenset({"service", "svc", "api", "microservice"})
STRONG = frozenset({"of", "for", "about"})
DETERMINERS = frozenset({"the", "our", "my", "your"})
AFTER_SUBJECT = frozenset(
    {"ok", "okay", "up", "down", "healthy", "unhealthy", "alive", "running", "working", "doing", "fine", "have"}
    | {"degraded", "available", "broken", "get", "serve", "handle", "see", "return", "feeling", "slow", "stable"}
)
SUBJECT_LEADS = frozenset({"is", "are", "does", "do", "has"})
TYPO_WORDS = 60
"""Longer texts are not searched for misspelt names: comparing every word costs too much."""
TYPO_LETTERS = 5

ORDINARY = WORDS["ordinary"]


@dataclass(frozen=True, slots=True)
class Mention:
    """`start` to `end` covers the name with the word "service" beside it; `name` is the name alone."""

    start: int
    end: int
    name: str


def find_mentions(
    text: str, tokens: tuple[Token, ...], index: ServiceIndex, taken: tuple[tuple[int, int], ...]
) -> tuple[Mention, ...]:
    """Outside the spans in `taken`, which other entities hold."""
    words = tuple(token for token in tokens if token.kind in ("word", "number"))
    names = tuple(_compounds(text, words))
    typos = len(words) <= TYPO_WORDS
    found: list[Mention] = []
    for at, name in enumerate(names):
        free = all(name.end <= start or name.start >= end for start, end in taken)
        if free and _may_be_name(name) and stands_alone(text, name.start, name.end):
            mention = _mention(names, at, index, typos=typos)
            if mention is not None:
                found.append(mention)
    return tuple(found)


def _compounds(text: str, words: tuple[Token, ...]) -> Iterator[Mention]:
    """Words joined by hyphens or underscores are one name."""
    at = 0
    while at < len(words):
        last = at
        while last + 1 < len(words) and text[words[last].end : words[last + 1].start] in ("", "-", "_"):
            last += 1
        yield Mention(
            words[at].start, words[last].end, text[words[at].start : words[last].end].lower().replace("_", "-")
        )
        at = last + 1


def _may_be_name(word: Mention) -> bool:
    return (
        word.name not in ORDINARY and word.name not in NOISE and not word.name[0].isdigit() and len(word.name) > 1
    )


def _mention(names: tuple[Mention, ...], at: int, index: ServiceIndex, *, typos: bool) -> Mention | None:
    def word(position: int) -> str:
        return names[position].name if 0 <= position < len(names) else ""

    here = names[at]
    if singular(here.name) in index.alike:
        return None  # the catalogue has it, and it was passed over: "in order to", "502 Bad Gateway"
    if word(at + 1) in EXPLICIT and word(at + 2) not in ("level", "unavailable"):
        return Mention(here.start, names[at + 1].end, here.name)
    lead = at - 1
    while word(lead) in DETERMINERS or word(lead) in EXPLICIT:
        lead -= 1
    first = lead == 0 and word(0) == "and"
    if first or word(lead) in STRONG or (word(lead) in SUBJECT_LEADS and word(at + 1) in AFTER_SUBJECT):
        return here
    suffix = here.name.rsplit("-", 1)[-1]
    if suffix in EXPLICIT and suffix != here.name:
        return here
    if singular(here.name) in index.parts and lead >= 0 and word(lead) in ("in", "on", "is", "are", "does"):
        return here
    return here if typos and len(here.name) >= TYPO_LETTERS and is_typo(here.name, index) else None
