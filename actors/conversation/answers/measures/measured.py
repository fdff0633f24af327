"""The answer to a measured plan, whatever its shape."""

from __future__ import annotations

from datetime import datetime

from actors.conversation.answers.measures.budget import budget_answer
from actors.conversation.answers.measures.comparison import comparison_answer
from actors.conversation.answers.measures.course import course_answer
from actors.conversation.answers.measures.forecast import forecast_answer
from actors.conversation.answers.measures.rows import rows_answer
from actors.conversation.answers.measures.telling import Telling
from actors.conversation.answers.measures.value import value_answer
from actors.conversation.answers.templates import render
from schemas.measures import (
    Measured,
    MeasuredBudget,
    MeasuredComparison,
    MeasuredForecast,
    MeasuredRows,
    MeasuredSeries,
    MeasuredValue,
    NotMeasured,
)
from schemas.plans import Plan


def measured_answer(measured: Measured, plan: Plan, as_of: datetime, timezone: str) -> str:
    """The figure first, then what explains it; why there is none where there is none."""
    telling = Telling(measured, plan, as_of, timezone)
    match measured.figure:
        case NotMeasured() as figure:
            text = render("measured_nothing", t=telling, detail=figure.detail, reason=figure.reason)
        case MeasuredValue() as figure:
            text = value_answer(telling, figure)
        case MeasuredRows() as figure:
            text = rows_answer(telling, figure)
        case MeasuredSeries() as figure:
            text = course_answer(telling, figure)
        case MeasuredComparison() as figure:
            text = comparison_answer(telling, figure)
        case MeasuredForecast() as figure:
            text = forecast_answer(telling, figure)
        case MeasuredBudget() as figure:
            text = budget_answer(telling, figure)
    return text
