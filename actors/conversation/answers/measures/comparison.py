"""Two sides: both values, their difference, how many times as much."""

from __future__ import annotations

from dataclasses import dataclass

from actors.conversation.answers import figures
from actors.conversation.answers.measures.telling import Telling, kinds, label
from actors.conversation.answers.templates import render
from actors.conversation.answers.units import apart
from schemas.measures import Compared, MeasuredComparison

LISTED = 20


@dataclass(frozen=True, slots=True)
class Line:
    """`change`: "164 ms more (4.4 times)", of the first side over the second."""

    name: str
    first: str
    second: str
    change: str


def comparison_answer(telling: Telling, figure: MeasuredComparison) -> str:
    lines = [_line(telling, row) for row in figure.rows]
    by_time = figure.between == "time"
    return render(
        "measured_comparison",
        t=telling,
        by=kinds(tuple(figure.rows[0].labels)) if figure.rows else "",
        first=telling.over(figure.first.range) if by_time else figure.first.name,
        second=telling.over(figure.second.range) if by_time else figure.second.name,
        by_time=by_time,
        only=lines[0] if len(lines) == 1 and not figure.rows[0].labels else None,
        lines=lines[:LISTED],
        more=len(lines) - LISTED,
    )


def _line(telling: Telling, row: Compared) -> Line:
    return Line(
        name=label(row.labels),
        first="no data" if row.first is None else telling.value(row.first, apart_from=row.second),
        second="no data" if row.second is None else telling.value(row.second, apart_from=row.first),
        change=_change(telling, row),
    )


def _change(telling: Telling, row: Compared) -> str:
    if row.difference is None or row.first is None or row.second is None:
        return ""
    if row.difference == 0:
        return "no difference"
    more = "more" if row.difference > 0 else "less"
    text = f"{apart(row.first, row.second, telling.measured.unit)} {more}"
    return f"{text} ({_times(row.ratio)})" if row.ratio and row.ratio > 0 else text


def _times(ratio: float) -> str:
    """ "4.42 times as much", "28 % less"."""
    if ratio >= 2:
        return f"{figures.plain(ratio, figures.significant_decimals(ratio, 3))} times as much"
    word = "more" if ratio > 1 else "less"
    return f"{figures.percent(abs(ratio - 1))} {word}"
