"""Why there is no figure: nothing of that name, no samples, or nothing that was counted."""

from __future__ import annotations

from actors.adapters.observatory.asking import Found
from actors.adapters.observatory.measuring.subject import Subject
from schemas.measures import NotMeasured


def nothing(subject: Subject, found: Found) -> NotMeasured:
    """`found` has no value. A sample that is not a number comes of dividing by zero: no requests, for instance."""
    metrics = " and ".join(subject.reckoning.metrics)
    if found.reading.not_finite:
        return NotMeasured(
            reason="nothing_counted",
            detail=f"nothing was counted by {metrics}{subject.scope.words()}, so there is nothing to measure",
        )
    formulas = [one.formula for one in (subject.reckoning, *subject.reckoning.parts) if one.formula]
    unseen = formulas[0].source.unseen if formulas else ()
    if unseen:
        named = " and ".join(
            f"{role.replace('_', ' ')} {' or '.join(subject.scope.wanted[role])}" for role in unseen
        )
        return NotMeasured(reason="no_series", detail=f"no series of {metrics} has the {named}")
    return NotMeasured(
        reason="no_data", detail=f"the backend has no samples of {metrics}{subject.scope.words()} in this window"
    )
