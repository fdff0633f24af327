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
from actors.nlp.tokens import Token, stands_alone, tokenize

NOISE = frozenset(
    {"service", "services", "microservice", "svc", "srv", "api", "apis", "model", "cluster", "pipeline", "app"}
)
NOT_AFTER = frozenset({"runbook", "playbook", "bad"})
NOT_BEFORE = frozenset({"runbook", "playbook", "timeout"})
"""Beside them a name means something else: a "payment runbook", a "502 Bad Gateway"."""
JOINTS = frozenset({"", " ", "  ", "   ", "-", "_"})
NEAR_LIMIT = 3
NEAR_RATIO = 0.6
TYPO_RATIO = 0.8
_SUFFIX = re.compile(r"(?<=[a-z]{3})(?:microservice|service|svc|api)s?\Z")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class ServiceIndex:
    """`exact` finds a name as it is written, `alike` by its key, `parts` by one word of its key."""

    exact: dict[str, str] = field(default_factory=dict[str, str])
    alike: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
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
    return ServiceIndex(exact, alike, parts, longest)


def words_of(name: str) -> tuple[str, ...]:
    """ "PaymentService" and "payment-service" are two words."""
    spaced = _CAMEL.sub(" ", name)
    return tuple(token.text for token in tokenize(spaced) if token.kind in ("word", "number"))


def base_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without the words that only say that it is a service; all of them when nothing else is left."""
    kept = tuple(_SUFFIX.sub("", word) for word in words if word not in NOISE)
    return kept or words


def base_name(name: str) -> str:
    """The canonical value: "Payment-Service" is "payment"."""
    return "-".join(base_words(words_of(name)))


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


def find_services(text: str, tokens: tuple[Token, ...], index: ServiceIndex) -> tuple[FoundService, ...]:
    """Every name of the catalogue in the text, the longest form at each place."""
    words = tuple(token for token in tokens if token.kind in ("word", "number"))
    found: list[FoundService] = []
    at = 0
    while at < len(words):
        here = _longest(text, words, at, index)
        if here is None:
            at += 1
        else:
            found.append(here[0])
            at += here[1]
    return tuple(found)


def _longest(text: str, words: tuple[Token, ...], at: int, index: ServiceIndex) -> tuple[FoundService, int] | None:
    for run in reversed(tuple(runs(text, words, at, index.longest + 1))):
        names = _names(tuple(word.text for word in run), index)
        if names and _is_named(text, words, at, run):
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
    if all(word in NOISE for word in words):
        return ()
    exact = index.exact.get("".join(words))
    if exact is not None:
        return (exact,)
    alike = index.alike.get(key(words), ())
    plain = index.exact.get(key(words))
    return (plain,) if plain in alike else alike


def _is_named(text: str, words: tuple[Token, ...], at: int, run: tuple[Token, ...]) -> bool:
    before = words[at - 1].text if at else ""
    after = words[at + len(run)].text if at + len(run) < len(words) else ""
    if before in NOT_AFTER or after in NOT_BEFORE or (before == "in" and after == "to"):
        return False  # the last one is "in order to"
    return stands_alone(text, run[0].start, run[-1].end)


def near(name: str, services: tuple[str, ...]) -> tuple[str, ...]:
    """The catalogue's names that look like this one, best first."""
    wanted = key(words_of(name))
    rated = [(_likeness(wanted, key(words_of(service))), service) for service in services]
    close = sorted((-ratio, service) for ratio, service in rated if ratio >= NEAR_RATIO)
    return tuple(service for _, service in close[:NEAR_LIMIT])


def is_typo(word: str, index: ServiceIndex) -> bool:
    """Nearly a name of the catalogue: "paymnt"."""
    return bool(difflib.get_close_matches(singular(word), index.alike, n=1, cutoff=TYPO_RATIO))


def _likeness(wanted: str, given: str) -> float:
    """0 to 1; a name inside the other one counts as near."""
    ratio = difflib.SequenceMatcher(None, wanted, given).ratio()
    inside = len(wanted) >= 3 and len(given) >= 3 and (wanted in given or given in wanted)
    return max(ratio, 0.75) if inside else ratio
