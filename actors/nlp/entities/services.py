"""Names of services: forgiving in form, strict about what the catalogue has.

"payment service", "payments", "payment-svc", "PaymentService" and "the Payment API" share one key.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from actors.nlp.entities.found import FoundService
from actors.nlp.entities.lexicon import AFTER_VERBS, STRIPPED, VERBS_TOO, Tag, tag_of
from actors.nlp.entities.reading import Reading
from actors.nlp.spelling import Spelling
from actors.nlp.tokens import Token, stands_alone, tokenize

NOT_AFTER = frozenset({"runbook", "playbook", "bad"})
NOT_BEFORE = frozenset({"runbook", "playbook", "timeout", "timeouts"})
"""Beside them a name means something else: a "payment runbook", a "502 Bad Gateway"."""
JOINTS = frozenset({"", " ", "  ", "   ", "-", "_"})
NEAR_LIMIT = 3
NEAR_RATIO = 0.6
SHORTEST_MISSPELT = 5
_SUFFIX = re.compile(r"(?<=[a-z]{3})(?:microservice|service|svc|api)s?\Z")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class ServiceIndex:
    """`exact` finds a name as it is written, `alike` by its key, `parts` by one word of its key."""

    exact: dict[str, str] = field(default_factory=dict[str, str])
    alike: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    spelling: Spelling = field(default_factory=lambda: Spelling(()))
    longest: int = 1
    """Words in the longest name."""


@lru_cache(maxsize=16)
def index_of(services: tuple[str, ...]) -> ServiceIndex:
    exact: dict[str, str] = {}
    alike: dict[str, tuple[str, ...]] = {}
    parts: dict[str, tuple[str, ...]] = {}
    longest = 1
    for name in services:
        words = words_of(name)
        base = base_words(words)
        exact.setdefault("".join(words), name)
        alike[key(words)] = (*alike.get(key(words), ()), name)
        for word in set(base) if len(base) > 1 else ():
            parts[singular(word)] = (*parts.get(singular(word), ()), name)
        longest = max(longest, len(words))
    spelling = Spelling(name for name in alike if len(name) >= SHORTEST_MISSPELT)
    return ServiceIndex(exact, alike, parts, spelling, longest)


@lru_cache(maxsize=16)
def known_words(services: tuple[str, ...]) -> frozenset[str]:
    """Words that are names here, and never other words misspelt."""
    return frozenset(form for name in services for word in words_of(name) for form in (word, f"{word}s"))


def words_of(name: str) -> tuple[str, ...]:
    """ "PaymentService" and "payment-service" are two words."""
    spaced = _CAMEL.sub(" ", name)
    return tuple(token.text for token in tokenize(spaced) if token.kind in ("word", "number"))


def base_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without the words that only say that it is a service; all of them when nothing else is left."""
    kept = tuple(_SUFFIX.sub("", word) for word in words if word not in STRIPPED)
    return kept or words


def base_name(name: str) -> str:
    """The canonical value: "Payment-Service" is "payment", "user_profile api" is "user-profile"."""
    parts = tuple(part.lower() for part in _SEPARATORS.split(_CAMEL.sub(" ", name.strip())) if part)
    while len(parts) > 1 and parts[-1] in STRIPPED:
        parts = parts[:-1]
    while len(parts) > 1 and parts[0] in STRIPPED and " " in name:
        parts = parts[1:]
    return "-".join((*parts[:-1], _SUFFIX.sub("", parts[-1]))) if parts else name


def key(words: tuple[str, ...]) -> str:
    return "".join(singular(word) for word in base_words(words))


def singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "shes")):
        return word[:-2]
    if word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def find_services(reading: Reading, index: ServiceIndex) -> tuple[FoundService, ...]:
    """Every name of the catalogue in the text, the longest form at each place; each takes its place."""
    words = tuple(token for token in reading.tokens if token.kind in ("word", "number"))
    found: list[FoundService] = []
    at = 0
    while at < len(words):
        here = _longest(reading, words, at, index)
        if here is None:
            at += 1
        else:
            found.append(here[0])
            reading.board.take(here[0].start, here[0].end)
            at += here[1]
    return tuple(found)


def _longest(
    reading: Reading, words: tuple[Token, ...], at: int, index: ServiceIndex
) -> tuple[FoundService, int] | None:
    for run in reversed(tuple(runs(reading.text, words, at, index.longest + 1))):
        names = _names(tuple(word.text for word in run), index)
        if names and _is_named(reading, words, at, run):
            value = base_name(names[0]) if len(names) == 1 else key(tuple(word.text for word in run))
            return FoundService(run[0].start, run[-1].end, value, names, value), len(run)
    return None


def runs(text: str, words: tuple[Token, ...], at: int, limit: int) -> Iterator[tuple[Token, ...]]:
    """The words at `at` that could be one name: 1, 2, … up to `limit`, joined by a space, "-", "_" or nothing."""
    for count in range(1, limit + 1):
        if at + count > len(words):
            return
        if count > 1 and text[words[at + count - 2].end : words[at + count - 1].start] not in JOINTS:
            return
        yield words[at : at + count]


def _names(words: tuple[str, ...], index: ServiceIndex) -> tuple[str, ...]:
    exact = index.exact.get("".join(words))
    if exact is not None:
        return (exact,)
    if all(word in STRIPPED for word in words):
        return ()
    wanted = key(words)
    alike = index.alike.get(wanted, ()) or _misspelt(words, wanted, index)
    plain = index.exact.get(wanted)
    return (plain,) if plain in alike else alike


def _misspelt(words: tuple[str, ...], wanted: str, index: ServiceIndex) -> tuple[str, ...]:
    """ "paymnt" is `payment`: one slip in a word that is no other."""
    if len(wanted) < SHORTEST_MISSPELT or any(tag_of(word) for word in words if word not in STRIPPED):
        return ()
    right = index.spelling.right(wanted)
    return index.alike.get(right, ()) if right != wanted else ()


def _is_named(reading: Reading, words: tuple[Token, ...], at: int, run: tuple[Token, ...]) -> bool:
    start, end = run[0].start, run[-1].end
    before = words[at - 1].text if at else ""
    after = words[at + len(run)].text if at + len(run) < len(words) else ""
    if not reading.board.free(start, end) or not stands_alone(reading.text, start, end):
        return False
    if before in NOT_AFTER or after in NOT_BEFORE or (before == "in" and after == "to"):
        return False  # the last one is "in order to"
    return not (len(run) == 1 and is_verb(run[0].text, before, after))


def is_verb(word: str, before: str, after: str) -> bool:
    """ "search the logs", "please email me": an order, no name."""
    leads = not before or (
        tag_of(before) & (Tag.CLOSED | Tag.AUXILIARY) and before in ("to", "please", "you", "and", "then")
    )
    return word in VERBS_TOO and after in AFTER_VERBS and bool(leads)


def near(name: str, services: tuple[str, ...]) -> tuple[str, ...]:
    """The catalogue's names that look like this one, best first."""
    wanted = key(words_of(name))
    rated = [(_likeness(wanted, key(words_of(service))), service) for service in services]
    close = sorted((-ratio, service) for ratio, service in rated if ratio >= NEAR_RATIO)
    return tuple(service for _, service in close[:NEAR_LIMIT])


def _likeness(wanted: str, given: str) -> float:
    """0 to 1; a name inside the other one counts as near."""
    ratio = difflib.SequenceMatcher(None, wanted, given).ratio()
    inside = len(wanted) >= 3 and len(given) >= 3 and (wanted in given or given in wanted)
    return max(ratio, 0.75) if inside else ratio
