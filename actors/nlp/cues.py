"""What a question says of its form and names no thing: grouping, the highest so many, per minute, as a course."""

from __future__ import annotations

import re
from dataclasses import dataclass

from actors.nlp.entities import FoundQuantity

_THINGS: dict[str, str] = {
    "service": r"(?:micro)?services?|apps?|applications?",
    "endpoint": r"endpoints?|routes?|paths?|urls?|operations?|handlers?",
    "status_code": r"status(?: codes?)?|(?:response|http|error) codes?|codes?",
    "version": r"versions?|releases?",
    "pod": r"pods?|replicas?|instances?|containers?",
    "host": r"hosts?|nodes?|machines?|servers?",
    "namespace": r"namespaces?",
    "environment": r"environments?|envs?|stages?",
    "log_level": r"(?:log )?levels?|severit(?:y|ies)",
}
_THING = "|".join(f"(?P<{kind}>{words})" for kind, words in _THINGS.items())
_BY = re.compile(
    r"\b(?:by|per|each|every|across|(?:group|break|split|slic)(?:e|ed|ing|en)?(?: it| them| that)?(?: down| up)?"
    rf"(?: by| per| into)?)(?: each| every| the)? (?:§ )?(?:{_THING})\b"
)
_WHICH = re.compile(rf"\b(?:which|what)(?: of (?:the|our))?(?: §)? (?:{_THING})\b(?! is §$)")
_RANKED = re.compile(
    rf"\b(?:{_THING})"
    r"(?: (?:are|were))? (?:by|with|sorted by|ordered by|ranked by|having|over|above|below|under)\b"
)
_MOST = re.compile(
    rf"\b(?:top|worst|best|slowest|fastest|busiest|highest|lowest|noisiest|hottest|largest|biggest|hungriest|"
    rf"most \w+|least \w+)(?: [\w§]+)? (?:{_THING})\b"
)
_HIGHEST = re.compile(
    r"\b(?:top|highest|worst|slowest|busiest|most|max|biggest|largest|noisiest|hottest|hungriest)\b"
)
_LOWEST = re.compile(r"\b(?:lowest|least|fewest|best|fastest|smallest|quietest|bottom)\b")
_PER = re.compile(
    r"(?:\bper|/|\b(?:requests?|reqs?|calls?|queries|errors?|failures?|messages?|events?|orders?|tokens?|"
    r"transactions?|hits?|operations?|restarts?|times) an?) ?"
    r"(?P<unit>s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?|days?)\b"
)
_SHORT_PER = re.compile(r"\b(?:(?P<s>rps|qps|tps)|(?P<m>rpm|qpm|opm))\b")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_COURSE = re.compile(
    r"\b(?:over time|trends?|trending|graph(?:ed)?|plot(?:ted)?|charts?|curve|course|evol(?:ve|ved|ution)|"
    r"develop(?:ed|ment)?|time ?series|history|progression|sparkline|changed? over)\b"
)


@dataclass(frozen=True, slots=True)
class Cues:
    group_by: tuple[str, ...] = ()
    top: int | None = None
    lowest: bool = False
    per_seconds: float | None = None
    course: bool = False

    @property
    def given(self) -> bool:
        return self != Cues()


def cues(bare: str, text: str, quantities: tuple[FoundQuantity, ...]) -> Cues:
    """`bare` is the text without its names but with its numbers, `text` all of it in lower case: "per minute" may
    be part of a name."""
    groups = dict.fromkeys(kind for pattern in (_BY, _MOST, _WHICH, _RANKED) for kind in _kinds(pattern, bare))
    ranked = bool(_HIGHEST.search(bare) or _LOWEST.search(bare))
    return Cues(
        group_by=tuple(groups),
        top=_top(bare, quantities) if groups and ranked else None,
        lowest=bool(groups) and not _HIGHEST.search(bare) and _LOWEST.search(bare) is not None,
        per_seconds=_per(text),
        course=_COURSE.search(bare) is not None,
    )


def without_cues(bare: str) -> str:
    """The words that say nothing of the form."""
    for pattern in (_BY, _MOST, _WHICH, _RANKED, _PER, _SHORT_PER, _COURSE):
        bare = pattern.sub(" ", bare)
    return bare


def _kinds(pattern: re.Pattern[str], bare: str) -> list[str]:
    return [kind for match in pattern.finditer(bare) for kind in _THINGS if match[kind]]


def _top(bare: str, quantities: tuple[FoundQuantity, ...]) -> int:
    """ "top 5 services" is 5; "the slowest endpoints" are so many that an answer can show."""
    counted = next(
        (int(part.amount) for part in quantities if not part.relative and 1 <= part.amount <= 1000), None
    )
    if counted is not None:
        return counted
    return 1 if _WHICH.search(bare) and not re.search(r"\b(?:services|endpoints|pods|hosts|nodes)\b", bare) else 5


def _per(text: str) -> float | None:
    found = _PER.search(text)
    if found:
        return _SECONDS[found["unit"][0]]
    short = _SHORT_PER.search(text)
    return None if short is None else 1.0 if short["s"] else 60.0
