"""An answer in pieces, for streaming."""

from __future__ import annotations

import re
from collections.abc import Iterator

LARGEST = 1_000
"""Characters; a single word may be longer. The text is there as a whole: smaller pieces would only cost more."""
_BORDER = re.compile(r"(?<![0-9])[.!?]\s+|\n+")  # "1. payment" is an item of a list, no sentence


def chunks(text: str) -> list[str]:
    """As many sentences and lines together as fit, longer ones cut between words. Their concatenation is exactly
    `text`."""
    found: list[str] = []
    for piece in (piece for sentence in _sentences(text) for piece in _cut(sentence)):
        if found and len(found[-1]) + len(piece) <= LARGEST:
            found[-1] += piece
        else:
            found.append(piece)
    return found


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for border in _BORDER.finditer(text):
        yield text[start : border.end()]
        start = border.end()
    if start < len(text):
        yield text[start:]


def _cut(sentence: str) -> Iterator[str]:
    start = 0
    while len(sentence) - start > LARGEST:
        space = sentence.rfind(" ", start, start + LARGEST)
        if space < 0:
            space = sentence.find(" ", start + LARGEST)
        if space < 0:
            break
        yield sentence[start : space + 1]
        start = space + 1
    if start < len(sentence):
        yield sentence[start:]
