"""What is said around the figures."""

from __future__ import annotations

from actors.conversation.answers.names import listed, shortened
from actors.conversation.answers.templates import render
from schemas.nlp import UnknownService


def help_answer(services: tuple[str, ...]) -> str:
    return render("help", services=shortened(services), example=services[0] if services else "payment")


def out_of_scope_answer() -> str:
    return render("out_of_scope")


def denied_answer() -> str:
    return render("denied")


def nothing_offered_answer() -> str:
    """To a yes without an offer."""
    return render("nothing_offered")


def refused_answer(detail: str) -> str:
    """`detail` is what a backend's adapter says of a question that passes a limit."""
    return render("refused", detail=" ".join(detail.split()).rstrip("."))


def unknown_service_answer(unknown: UnknownService, known: tuple[str, ...]) -> str:
    return render("unknown_service", name=unknown.name, near=listed(unknown.near, "or"), known=shortened(known))


def backend_down_answer(detail: str) -> str:
    """`detail` is the backend's or the connection's own message, on one line."""
    return render("backend_down", detail=" ".join(detail.split()).rstrip("."))
