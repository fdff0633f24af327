"""One message, several requests: "show the error rate of checkout and open an incident if it is above 2 %"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from actors.nlp.clause import Clause, clause
from actors.nlp.dialogue.signs import left_over
from actors.nlp.dialogue.words import WORDS
from actors.nlp.entities import Found
from actors.nlp.openings import VERBS, commands, requests
from schemas.plans import Operator, Threshold

MOST = 6
"""Requests of one message; what comes after belongs to the last one."""
MOST_BORDERS = 40
LONGEST = 2_000
"""Characters. A longer text is a report, not a list of requests."""

_BORDER = re.compile(
    r"(?P<stop>[.;?!\n]+\s+)|"
    r"(?P<join>,?\s+(?:and then|and also|and|then|also|plus|after that|afterwards|but also)\s+)|"
    r"(?P<comma>,\s+(?:then\s+|and\s+|also\s+|please\s+)*)",
    re.IGNORECASE,
)
_IF = r"(?:only |but only |and )?(?:if|in case|unless|once|as soon as|provided(?: that)?|as long as|assuming)"
_LEADING_IF = re.compile(
    rf"^\W*(?:and |then |also |but )*{_IF}\b(?P<condition>.*?)"
    rf"(?:,\s*(?:then\s+)?|\s+then\s+|(?<!\bthe)(?<!\ba)(?<!\ban)\s+(?=(?:please |just )?(?:{VERBS})\b)|$)"
)
_TRAILING_IF = re.compile(rf"(?<!tell me)(?<!know)(?<!check)(?<!see)\s+{_IF}\s+(?P<condition>.+)$")
_SO = re.compile(r"^(?:so|yes|it is|that is the case|that's the case|it does|they are)\W*$")
_NOT = re.compile(r"^(?:not|no|it is not|it isn't|it's not|it does not|otherwise)\W*$")
_IDLE = frozenset({"check", "look", "find", "verify", "see", "know", "tell", "let", "ahead", "please"})
_FLIPPED: dict[Operator, Operator] = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}


@dataclass(frozen=True, slots=True)
class Condition:
    """`threshold` is None where the text's condition is not one of the first request's figure."""

    text: str
    threshold: Threshold | None
    clause: Clause


@dataclass(frozen=True, slots=True)
class Piece:
    clause: Clause
    condition: Condition | None = None


def pieces(message: str, found: Found, *, offered: bool) -> tuple[Piece, ...]:
    """At least one. With an open offer a "yes" before a request counts as one of its own."""
    whole = (Piece(clause(message, found)),)
    if len(message) > LONGEST:
        return whole
    cuts = _cuts(message, found, offered=offered)
    if not cuts:
        return whole
    starts = [0, *(after for _, after in cuts)]
    ends = [*(before for before, _ in cuts), len(message)]
    return tuple(
        _piece(message, found, start, end, first=at == 0)
        for at, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


def _cuts(message: str, found: Found, *, offered: bool) -> list[tuple[int, int]]:
    """(end of one request, start of the next one)."""
    spans = found.spans
    cuts: list[tuple[int, int]] = []
    start = 0
    for border in islice(_BORDER.finditer(message), MOST_BORDERS):
        if len(cuts) == MOST - 1 or any(first < border.end() and border.start() < last for first, last in spans):
            continue
        left = clause(message, found, start, border.start())
        right = clause(message, found, border.end())
        if _stands(left, offered=offered and not cuts) and _begins(right, comma=border["comma"] is not None):
            cuts.append((border.start(), border.end()))
            start = border.end()
    return cuts


def _stands(left: Clause, *, offered: bool) -> bool:
    words = left.found.words
    if offered and words and words[0] in WORDS["yes"] and set(words) <= WORDS["yes"] | WORDS["beside_yes_and_no"]:
        return True
    if re.match(rf"\W*{_IF}\b", left.text.lower()):
        return False
    content = bool(left.entities or left.found.metrics) or bool(set(left_over(left)) - _IDLE)
    glued = not left_over(left) and any(part.strong for part in left.found.metrics)
    return content and (requests(left.bare) or glued)


def _begins(right: Clause, *, comma: bool) -> bool:
    text = right.bare
    conditional = _LEADING_IF.match(right.text.lower())
    if conditional is not None:
        after = clause(right.message, right.found, right.start + conditional.end("condition"), right.end)
        text = after.bare
    begins = commands(text) if comma and conditional is None else requests(text)
    content = bool(right.entities) or bool(set(left_over(right)) - _IDLE)
    return begins and content


def _piece(message: str, found: Found, start: int, end: int, *, first: bool) -> Piece:
    if first:
        return Piece(clause(message, found, start, end))
    text = message[start:end]
    lowered = text.lower() if len(text.lower()) == len(text) else text
    leading = _LEADING_IF.match(lowered)
    if leading is not None and leading.end() < len(text):
        condition = _condition(
            message, found, start + leading.start("condition"), start + leading.end("condition")
        )
        return Piece(clause(message, found, start + leading.end(), end), _turned(condition, leading[0]))
    trailing = _TRAILING_IF.search(lowered)
    if trailing is not None:
        condition = _condition(message, found, start + trailing.start("condition"), end)
        return Piece(clause(message, found, start, start + trailing.start()), _turned(condition, trailing[0]))
    return Piece(clause(message, found, start, end))


def _condition(message: str, found: Found, start: int, end: int) -> Condition:
    inside = clause(message, found, start, end)
    stated = inside.found.thresholds
    another = bool(inside.found.metrics or inside.found.percentiles or inside.found.services)
    threshold = stated[0].threshold if stated and not another else None
    return Condition(inside.text.strip(" \t\n.,;!?"), threshold, inside)


def _turned(condition: Condition, words: str) -> Condition:
    if condition.threshold is None or "unless" not in words:
        return condition
    return Condition(condition.text, flipped(condition.threshold), condition.clause)


def flipped(threshold: Threshold) -> Threshold:
    """What holds where the threshold does not."""
    return threshold.model_copy(update={"operator": _FLIPPED[threshold.operator]})


def says_so(condition: Condition) -> bool | None:
    """ "If so" is True, "if not" False: of what the first request asks; None for a condition of its own."""
    text = condition.text.lower()
    return True if _SO.match(text) else False if _NOT.match(text) else None
