"""One value and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence

from actors.conversation.answers import figures
from actors.conversation.answers.measures.telling import Telling
from actors.conversation.answers.names import listed
from actors.conversation.answers.templates import render
from actors.conversation.answers.units import told
from schemas.measures import Detail, MeasuredValue

PRIMARY_ERRORS = 5


def value_answer(telling: Telling, figure: MeasuredValue) -> str:
    target = figure.target
    return render(
        "measured_value",
        t=telling,
        value=telling.value(figure.value, apart_from=target),
        met=figure.met,
        target=f"< {telling.value(target)}" if target is not None else None,
        within=figure.within_target,
        breakdown=_breakdown(figure.details),
        failing=_failing(figure.details),
        resources=_resources(figure.details),
        models=_by(figure.details, "model"),
        tokens=_by(figure.details, "token_type"),
    )


def _breakdown(details: Sequence[Detail]) -> str:
    """ "total requests 45,231; failed requests 104; primary errors: 502 Bad Gateway 67 (64 %)", or nothing."""
    total = next((one.value for one in details if one.name == "total_requests"), None)
    if total is None:
        return ""
    failures = [(one.labels["status_code"], one.value or 0.0) for one in details if "status_code" in one.labels]
    failed = sum(count for _, count in failures)
    parts = [f"total requests {figures.count(total)}"]
    parts.append(f"failed requests {figures.count(failed)}" if failed else "no failed requests")
    if failed:
        errors = (
            f"{figures.status(code)} {figures.count(count)} ({figures.share(count / failed)})"
            for code, count in failures[:PRIMARY_ERRORS]
        )
        parts.append(f"primary errors: {', '.join(errors)}")
    return "; ".join(parts)


def _by(details: Sequence[Detail], role: str) -> str:
    """ "gpt-4o-mini 1.54 USD, other 0.2 USD": the largest first, as they come."""
    parts = [one for one in details if role in one.labels and one.value is not None]
    return listed([f"{one.labels[role] or '(none)'} {told(one.value or 0.0, one.unit)}" for one in parts])


def _failing(details: Sequence[Detail]) -> str | None:
    """That instances were up does not say that requests succeeded."""
    ratio = next((one.value for one in details if one.name == "error_ratio"), None)
    return None if ratio is None else figures.percent(ratio)


def _resources(details: Sequence[Detail]) -> str:
    """The parts of a saturation, the fullest first."""
    parts = [(one.value, one.name) for one in details if one.unit == "ratio" and one.name != "error_ratio"]
    known = sorted(((value, name) for value, name in parts if value is not None), reverse=True)
    return listed([f"{name} {told(value, 'ratio')}" for value, name in known])
