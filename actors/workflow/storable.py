"""What can be stored: JSON, without numbers that JSON cannot say, without the character that the store refuses."""

from __future__ import annotations

import re
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NO_NUMBER = re.compile(rb"(?<![\w\"])-?(?:NaN|Infinity)(?![\w\"])")


class NotStorable(ValueError):
    """Says why."""


def written(value: Any) -> bytes:
    """The value as JSON text. Raises NotStorable."""
    try:
        text = to_json(value, inf_nan_mode="constants")
    except (PydanticSerializationError, UnicodeEncodeError, RecursionError) as error:
        raise NotStorable(f"is not JSON: {error}") from error
    if _NUL.search(text):
        raise NotStorable("contains the NUL character")
    if _NO_NUMBER.search(text):
        raise NotStorable("contains a number that JSON cannot say")
    return text
