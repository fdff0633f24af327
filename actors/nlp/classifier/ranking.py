"""What the classifier says of one text."""

from __future__ import annotations

from dataclasses import dataclass

OUT_OF_SCOPE = "out_of_scope"
"""The label of everything that is none of the others; a refusal has this name too."""


@dataclass(frozen=True, slots=True)
class Candidate:
    name: str
    confidence: float
    """Calibrated probability, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Ranking:
    name: str
    """The likeliest label, or OUT_OF_SCOPE where the text is refused."""
    confidence: float
    """Calibrated probability that `name` is right."""
    alternatives: tuple[Candidate, ...]
    """The three likeliest other labels, best first. Of a refused text: what it would be if it were in scope."""
    in_scope: bool
