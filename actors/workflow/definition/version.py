"""Versions of a definition: the hash of its canonical form."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from actors.workflow.definition.model import Definition


def canonical(definition: Definition) -> dict[str, Any]:
    """The definition as JSON, keys as in the format, durations in one spelling, what is the default left out.

    Leaving defaults out keeps the hash of a definition when the format grows.
    """
    return definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def sha256(definition: Definition) -> str:
    """64 hexadecimal digits; the same for texts that mean the same."""
    return digest(canonical(definition))


def digest(value: Any) -> str:
    """Of any JSON value: keys sorted, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
