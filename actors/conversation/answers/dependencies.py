"""What calls what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from actors.conversation.answers.names import listed, the_service
from actors.conversation.answers.templates import render


def dependencies_answer(service: str, calls: Sequence[str], further: Sequence[str], callers: Sequence[str]) -> str:
    """`calls` directly, `further` through those; `callers` call it directly."""
    subject = the_service(service)
    return render(
        "dependencies",
        subject=subject[0].upper() + subject[1:],
        calls=listed(tuple(calls)),
        further=listed(tuple(further)),
        callers=listed(tuple(callers)),
    )


def graph_answer(depends_on: Mapping[str, Sequence[str]]) -> str:
    """All of it, one line a caller."""
    return render("dependency_graph", lines=[(name, listed(tuple(calls))) for name, calls in depends_on.items()])
