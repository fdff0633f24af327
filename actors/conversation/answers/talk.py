"""What is said around the figures."""

from __future__ import annotations

from actors.conversation.answers.names import listed
from actors.conversation.answers.templates import render
from schemas.nlp import UnknownService

LISTED = 20
"""Names that an answer lists before it only counts the rest."""


def help_answer(services: tuple[str, ...]) -> str:
    return render("help", services=_names(services), example=services[0] if services else "payment")


def out_of_scope_answer() -> str:
    return render("out_of_scope")


def denied_answer() -> str:
    return render("denied")


def nothing_offered_answer() -> str:
    """To a yes without an offer."""
    return render("nothing_offered")


def unknown_service_answer(unknown: UnknownService, known: tuple[str, ...]) -> str:
    return render("unknown_service", name=unknown.name, near=listed(unknown.near, "or"), known=_names(known))


def backend_down_answer(detail: str) -> str:
    """`detail` is the backend's or the connection's own message, on one line."""
    return render("backend_down", detail=" ".join(detail.split()).rstrip("."))


def clarification(missing: tuple[str, ...], options: tuple[str, ...]) -> str:
    """The question for the first missing slot. Raises ValueError when nothing is missing."""
    if not missing:
        raise ValueError("nothing is missing: there is no question to ask")
    slot = missing[0].replace("_", " ")
    return render("clarification", slot=slot, options=_names(options, "or"), all=slot == "service")


def _names(names: tuple[str, ...], last: str = "and") -> str:
    if len(names) <= LISTED:
        return listed(names, last)
    return f"{', '.join(names[:LISTED])} {last} {len(names) - LISTED} more"
