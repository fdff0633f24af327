"""An objective, what is left of its error budget, and how fast that burns."""

from __future__ import annotations

from actors.conversation.answers import figures
from actors.conversation.answers.measures.telling import Telling
from actors.conversation.answers.names import listed
from actors.conversation.answers.templates import render
from actors.conversation.answers.units import told
from actors.conversation.answers.windows import length
from schemas.measures import Detail, MeasuredBudget

NEARLY_ALL = 0.98
"""Of the window: what lacks less of it is not worth a sentence."""


def budget_answer(telling: Telling, figure: MeasuredBudget) -> str:
    allowed = 1 - figure.objective
    covered = figure.covered_seconds < NEARLY_ALL * figure.window_seconds
    return render(
        "measured_budget",
        t=telling,
        burn_first=telling.plan.metric == "burn_rate",
        objective=figures.percent(figure.objective),
        window=length(figure.window_seconds),
        error_ratio=figures.percent(figure.error_ratio, apart_from=allowed),
        allowed=figures.percent(allowed, apart_from=figure.error_ratio),
        left=figures.percent(abs(figure.left)),
        overspent=figure.left < 0,
        burns=[
            (length(burn.window_seconds), told(burn.rate, "times"))
            for burn in figure.burns
            if burn.rate is not None
        ],
        alerts=listed([name.replace("/", " and ") for name in figure.alerts]),
        gone=length(figure.gone_in_seconds) if figure.gone_in_seconds else "",
        covered=length(figure.covered_seconds) if covered and figure.covered_seconds else "",
        latency=_latency(figure.details),
    )


def _latency(details: tuple[Detail, ...]) -> tuple[str, str, bool] | None:
    """Value, target, and whether it is within; nothing where there is no value."""
    values = {one.name: one.value for one in details}
    value, target = values.get("latency_p95"), values.get("latency_p95_target")
    if value is None or target is None:
        return None
    told_apart = figures.seconds(value, apart_from=target)
    return told_apart, figures.seconds(target), value < target
