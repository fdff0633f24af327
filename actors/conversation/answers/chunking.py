"""An answer in pieces, for streaming."""

from __future__ import annotations

import re
from collections.abc import Iterator

LARGEST = 200
"""Characters; a single word may be longer."""
_BORDER = re.compile(r"(?<![0-9])[.!?]\s+|\n+")  # "1. payment" is an item of a list, no sentence


def chunks(text: str) -> list[str]:
    """Sentences and lines, long ones cut between words. Their concatenation is exactly `text`."""
    return [piece for sentence in _sentences(text) for piece in _cut(sentence)]


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
