"""Questions back: one for the first thing that is missing, with the options where they are known."""

from __future__ import annotations

import tomllib
from pathlib import Path

from actors.conversation.answers.names import listed, shortened
from actors.conversation.answers.templates import render

_ASKED: dict[str, str] = tomllib.loads(Path(__file__).with_name("questions.toml").read_text(encoding="utf-8"))


def clarification(missing: tuple[str, ...], options: tuple[str, ...], *, candidates: bool = False) -> str:
    """`candidates`: the options are names that the text fits equally well, so "all" is no answer.

    Raises ValueError when nothing is missing.
    """
    if not missing:
        raise ValueError("nothing is missing: there is no question to ask")
    slot = missing[0]
    asked = _ASKED.get(slot, f"Which {slot.replace('_', ' ')} do you mean")
    further = tuple(name.replace("_", " ") for name in missing[1:])
    return render(
        "clarification",
        asked=asked,
        options=shortened(options, "or"),
        all=slot == "service" and not candidates,
        further=listed(further),
    )
