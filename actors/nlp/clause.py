"""A stretch of a message that asks for one thing, with what it names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from actors.nlp.dialogue.ordinals import place_spans
from actors.nlp.dialogue.words import WORDS
from actors.nlp.entities import Found, entities
from schemas.entities import Entity

NAMED = "§"
"""Stands in `bare` where something is named."""
NO_NAMES = WORDS["glue"] | {"others", "ones", "rest", "remaining", "both", "next", "last", "first", "second"}
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"(?<![\w.,:/-])[+-]?[0-9]{1,6}(?![\w.,:/%-]*[\w%])")
_TYING = re.compile(
    r"^\W*(?:\b(?:ok|okay|alright|no|nope|nah|yes|yeah|yep|sorry|oops|actually|wait|hmm+|well|so|then|now|and|also|but|"
    r"cool|great|thanks|(?:let's )?(?:go |get |come )?back to|returning to|return to|i mean|i meant|rather)\b"
    r"[\s,.!:;-]+)+",
    re.IGNORECASE,
)
_I_MEAN = re.compile(r"\b(?:i|you|we|they|it|that|did|do|does|would) mean\Z", re.IGNORECASE)
_LEADING = re.compile(
    r"^(?:[^\w§]|\b(?:ok|okay|kk?|alright|right|so|well|hm+|uh+m?|ah|oh|hey|hi|hello|great|cool|nice|perfect|thanks|"
    r"thank you|thx|good|interesting|got it|i see|please|pls|um+|er+|yo)\b)+",
)
"""What people say before they say something."""


@dataclass(frozen=True, slots=True)
class Clause:
    """`start` and `end` are its place in `message`; the spans of everything found are in the message too."""

    message: str
    start: int
    end: int
    found: Found
    entities: tuple[Entity, ...]
    bare: str
    """In lower case, every name replaced by `§`, one space between words, without opening interjections."""

    @property
    def text(self) -> str:
        return self.message[self.start : self.end]

    @property
    def request(self) -> str:
        """The text without the words that only tie it to what was said before ("no, the logs", "back to …"): what
        the classifier judges. All of it where nothing else is left."""
        rest = _TYING.sub("", self.text)
        return rest if any(word not in WORDS["glue"] for word in _WORD.findall(rest.lower())) else self.text

    @property
    def words(self) -> tuple[str, ...]:
        """The words beside the names, in lower case; apostrophes split them ("what's" is "what", "s")."""
        return tuple(_WORD.findall(self.bare))

    @property
    def counted(self) -> str:
        """As `bare`, with numbers and hints ("slowest") left in."""
        hints = (part for part in self.found.metrics if not part.stated)
        left = {(part.start, part.end) for part in (*self.found.quantities, *hints)}
        return _bare(
            self.message, (span for span in _covered(self.found) if span not in left), self.start, self.end
        )

    @property
    def number(self) -> re.Match[str] | None:
        """The only number that is no part of a name ("I meant 8"), as a match in `text`."""
        covered = tuple((start - self.start, end - self.start) for start, end in self.found.spans)
        alone = [
            match
            for match in _NUMBER.finditer(self.text)
            if all(match.end() <= start or match.start() >= end for start, end in covered)
        ]
        return alone[0] if len(alone) == 1 else None

    @property
    def types(self) -> frozenset[str]:
        return frozenset(entity.type for entity in self.entities)


def clause(message: str, found: Found, start: int = 0, end: int | None = None) -> Clause:
    stop = len(message) if end is None else end
    inside = _without_talk(within(found, start, stop, message), message)
    return Clause(
        message=message,
        start=start,
        end=stop,
        found=inside,
        entities=entities(message, inside),
        bare=_bare(message, _covered(inside), start, stop),
    )


def within(found: Found, start: int, end: int, message: str) -> Found:
    """What lies between the two places."""
    if (start, end) == (0, len(message)):
        return found
    kept = {
        field.name: tuple(part for part in getattr(found, field.name) if start <= part.start and part.end <= end)
        for field in fields(found)
        if field.name not in ("words", "everything")
    }
    words = tuple(_WORD.findall(message[start:end].lower()))
    return replace(found, words=words, **kept)


def _without_talk(found: Found, message: str) -> Found:
    """The "two" of "the last two" is no quantity, "the others" is no service, "I mean" no average."""
    services = tuple(part for part in found.services if part.names or part.value not in NO_NAMES)
    aggregations = tuple(part for part in found.aggregations if not _I_MEAN.search(message[: part.end]))
    found = replace(found, services=services, aggregations=aggregations)
    if not found.quantities:
        return found
    places = place_spans(message)
    quantities = tuple(
        part
        for part in found.quantities
        if not any(start <= part.start and part.end <= end for start, end in places)
    )
    return replace(found, quantities=quantities)


def _covered(found: Found) -> tuple[tuple[int, int], ...]:
    """The words of an operator belong to its threshold: "above 5 %"."""
    return (*found.spans, *((part.leads, part.end) for part in found.thresholds))


def _bare(message: str, spans: Iterable[tuple[int, int]], start: int, end: int) -> str:
    kept: list[str] = []
    at = start
    for first, last in sorted(spans):
        if first >= at:
            kept += [message[at:first], f" {NAMED} "]
        at = max(at, last)
    kept.append(message[at:end])
    joined = " ".join("".join(kept).replace("’", "'").lower().split())
    return _LEADING.sub("", joined)
