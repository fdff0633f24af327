"""Text as tokens with character offsets, and the borders at which a name or a time may begin and end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["stamp", "clock", "number", "word", "sign"]

# Digit runs are bounded, so that no token can become a number too long for int(); every alternative
# consumes without backtracking over what another one could match, so the scan is linear. A minus after a date with
# hours and minutes begins a range ("2026-11-03 14:00-15:00"); an offset follows seconds, or a "T" before the time.
# Ten digits that begin with a 1 are seconds since 1970, thirteen are milliseconds.
_TOKEN = re.compile(
    r"""(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}
            (?: [Tt][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?
              | \ [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})?
              | \ [0-9]{2}:[0-9]{2}[Zz]?)?
            (?![0-9:])
          | (?<![0-9.])1[0-9]{9}(?:[0-9]{3})?(?![0-9.]))
      | (?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![0-9:]))
      | (?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?)
      | (?P<word>[^\W\d_]+)
      | (?P<sign>\.\.(?!\.)|\S)""",
    re.VERBOSE,
)
_JOINERS = frozenset("-_/\\.@#")
_KINDS: dict[str, Kind] = {kind: kind for kind in ("stamp", "clock", "number", "word", "sign")}


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is in lower case; `start` and `end` are offsets into the original."""

    kind: Kind
    text: str
    start: int
    end: int
    glued: bool
    """Touches the token before it."""


def tokenize(text: str) -> tuple[Token, ...]:
    tokens: list[Token] = []
    last = -1
    for match in _TOKEN.finditer(text):
        kind = _KINDS[match.lastgroup or "sign"]
        tokens.append(Token(kind, match[0].lower(), match.start(), match.end(), match.start() == last))
        last = match.end()
    return tuple(tokens)


def stands_alone(text: str, start: int, end: int) -> bool:
    """False inside a longer name, a path, a file or an address: `payment.py`, `/v1/payment`, `pre-payment`."""
    return begins_alone(text, start) and _free(text[end : end + 2], left=False)


def begins_alone(text: str, start: int) -> bool:
    return _free(text[max(0, start - 2) : start][::-1], left=True)


def _free(beside: str, *, left: bool) -> bool:
    """`beside` are the two characters next to the name, nearest first."""
    if not beside:
        return True
    nearest, further = beside[0], beside[1:]
    if nearest.isalnum():
        return False
    if nearest not in _JOINERS:
        return True
    if left and nearest in "/\\#@":
        return False
    return not further.isalnum()
