"""Ranked groups."""

from __future__ import annotations

from actors.conversation.answers.measures.telling import Telling, kinds, label
from actors.conversation.answers.templates import render
from schemas.measures import MeasuredRows

LISTED = 20
"""Rows in an answer; the evidence has them all."""


def rows_answer(telling: Telling, figure: MeasuredRows) -> str:
    lines = [
        (label(row.labels), "no data" if row.value is None else telling.value(row.value)) for row in figure.rows
    ]
    return render(
        "measured_rows",
        t=telling,
        by=kinds(figure.by),
        lines=lines[:LISTED],
        more=len(lines) - LISTED,
        count=len(lines),
        measured=figure.measured,
        total=None if figure.total is None else telling.value(figure.total),
        which="lowest" if telling.plan.lowest else "highest",
    )
