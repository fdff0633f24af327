"""When two values of an entity are the same."""

from __future__ import annotations

import re


def plain(value: str) -> str:
    """Without case, spare spaces and a leading article."""
    return re.sub(r"^(?:the|a|an)\s+", "", " ".join(value.lower().split()))
