"""What a line carried on comes to, how sure that is, and when it reaches the limit."""

from __future__ import annotations

from datetime import datetime

from actors.conversation.answers.measures.telling import Telling
from actors.conversation.answers.templates import render
from actors.conversation.answers.units import apart, told
from actors.conversation.answers.windows import bare_length, between, length
from schemas.measures import MeasuredForecast


def forecast_answer(telling: Telling, figure: MeasuredForecast) -> str:
    limit = figure.limit
    return render(
        "measured_forecast",
        t=telling,
        figure=figure,
        now=telling.value(figure.now),
        ahead=length(figure.horizon_seconds),
        value=telling.value(figure.value),
        low=telling.value(max(figure.low, 0.0) if figure.value >= 0 else figure.low),
        high=telling.value(figure.high),
        slope=f"{apart(figure.slope_per_day, 0.0, telling.measured.unit)} a day",
        limit=_limit(telling, limit),
        past=limit is not None and figure.limit_at == telling.measured.range.end,
        at=_minute(telling, figure.limit_at),
        left=_left(telling, figure),
        earliest=_minute(telling, figure.limit_earliest),
        fitted=between(figure.fitted, telling.as_of, telling.timezone),
        shortened=figure.fitted.seconds < 0.9 * telling.measured.range.seconds,
        far=figure.horizon_seconds > 3 * figure.fitted.seconds,
        based_on=bare_length(figure.fitted.seconds),
        next=bare_length(figure.horizon_seconds),
    )


def _limit(telling: Telling, limit: float | None) -> str:
    """A ratio of 1 is the limit itself."""
    if limit is None:
        return ""
    return "its limit" if limit == 1 and telling.measured.unit == "ratio" else told(limit, telling.measured.unit)


def _minute(telling: Telling, instant: datetime | None) -> str:
    """Seconds would claim more than a line can tell."""
    return telling.at(instant.replace(second=0, microsecond=0)) if instant else ""


def _left(telling: Telling, figure: MeasuredForecast) -> str:
    if figure.limit_at is None:
        return ""
    return length(max(0.0, (figure.limit_at - telling.measured.range.end).total_seconds()))
