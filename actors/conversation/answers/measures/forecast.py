"""What a line carried on comes to, how sure that is, and when it reaches the limit."""

from __future__ import annotations

from datetime import datetime

from actors.conversation.answers.measures.telling import Telling
from actors.conversation.answers.templates import render
from actors.conversation.answers.units import apart, told
from actors.conversation.answers.windows import bare_length, between, length
from schemas.measures import MeasuredForecast

DAY = 86_400


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
        slope=_slope(telling, figure),
        limit=_limit(telling, limit),
        past=limit is not None and figure.limit_at == telling.measured.range.end,
        at=_minute(telling, figure.limit_at),
        left=_left(telling, figure),
        earliest=_minute(telling, figure.limit_earliest),
        fitted=between(figure.fitted, telling.as_of, telling.timezone),
        beyond=_beyond(figure),
        far=figure.horizon_seconds > 3 * figure.fitted.seconds,
        based_on=bare_length(figure.fitted.seconds),
        next=bare_length(figure.horizon_seconds),
    )


def _limit(telling: Telling, limit: float | None) -> str:
    """A ratio of 1 is the limit itself."""
    if limit is None:
        return ""
    return "its limit" if limit == 1 and telling.measured.unit == "ratio" else told(limit, telling.measured.unit)


def _slope(telling: Telling, figure: MeasuredForecast) -> str:
    """An hour's, where no more than a day is known or asked about."""
    hourly = figure.fitted.seconds < DAY and figure.horizon_seconds <= DAY
    amount = figure.slope_per_day / 24 if hourly else figure.slope_per_day
    return f"{apart(amount, 0.0, telling.measured.unit)} {'an hour' if hourly else 'a day'}"


def _beyond(figure: MeasuredForecast) -> bool:
    """Whether the limit comes before the horizon: what lies behind it cannot be."""
    if figure.limit is None or figure.limit_at is None:
        return False
    return figure.value > figure.limit if figure.slope_per_day > 0 else figure.value < figure.limit


def _minute(telling: Telling, instant: datetime | None) -> str:
    """Seconds would claim more than a line can tell."""
    return telling.at(instant.replace(second=0, microsecond=0)) if instant else ""


def _left(telling: Telling, figure: MeasuredForecast) -> str:
    if figure.limit_at is None:
        return ""
    return length(max(0.0, (figure.limit_at - telling.measured.range.end).total_seconds()))
