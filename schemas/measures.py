"""A plan in a backend's language, and what it came to: a value, rows, courses, a comparison, a forecast, a budget.

Values are in base units (seconds, bytes, ratios from 0 to 1, US dollars); a unit that ends in `_per_minute` and
its like is a rate told per that time. Null is no data; zero is a measurement.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from schemas.plans import Threshold, TimeRange


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Translation(Frozen):
    """A plan in a backend's language; `explanation` says in words what the query computes."""

    language: Literal["promql", "logql", "traceql"]
    query: str
    range: TimeRange
    step_seconds: float | None = None
    """None: evaluated once, at the end of the range."""
    unit: str | None = None
    explanation: str
    further: tuple[Translation, ...] = ()
    """The plan's other queries: the other window, the value behind a threshold, the parts of a figure."""


class Detail(Frozen):
    """A figure beside the one that was asked for; `labels` say of which part, by kind of entity."""

    name: str
    value: float | None
    unit: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class MeasuredValue(Frozen):
    """One value for the window. `met`: whether the plan's threshold holds; null without one."""

    kind: Literal["value"] = "value"
    value: float
    met: bool | None = None
    target: float | None = None
    """The objective that the value must stay below."""
    within_target: bool | None = None
    details: tuple[Detail, ...] = ()


class Row(Frozen):
    """`labels` by kind of entity, e.g. `{"service": "payment"}`."""

    labels: dict[str, str]
    value: float | None


class MeasuredRows(Frozen):
    """One value a group, ranked: the highest first, with the plan's `lowest` the lowest."""

    kind: Literal["rows"] = "rows"
    by: tuple[str, ...]
    rows: tuple[Row, ...]
    measured: int
    """How many groups have data; fewer rows are those that the threshold or the number asked for left."""
    total: float | None = None
    """For shares of one whole: that of all groups together."""


class Course(Frozen):
    """A series, and what it looks like. Times are the ends of the steps that the values stand for."""

    labels: dict[str, str] = Field(default_factory=dict)
    points: tuple[tuple[float, float | None], ...]
    """(unix seconds, value) in order of time."""
    mean: float
    first: float
    last: float
    peak: float
    peak_at: AwareDatetime
    lowest: float
    lowest_at: AwareDatetime
    trend: Literal["rising", "falling", "steady", "unclear"]
    """Of the straight line through the points; unclear where they scatter too widely around it."""
    met: tuple[TimeRange, ...] = ()
    """When the plan's threshold held."""


class MeasuredSeries(Frozen):
    kind: Literal["series"] = "series"
    by: tuple[str, ...] = ()
    step_seconds: int
    courses: tuple[Course, ...]
    """The highest mean first."""
    measured: int
    """How many there are; the courses are the most of them that are asked for."""


class Side(Frozen):
    """One side of a comparison: a name, or a window."""

    name: str | None = None
    range: TimeRange


class Compared(Frozen):
    """The two values; `difference` is first - second, `ratio` first / second. `labels` where it is by groups."""

    labels: dict[str, str] = Field(default_factory=dict)
    first: float | None
    second: float | None
    difference: float | None = None
    ratio: float | None = None


class MeasuredComparison(Frozen):
    kind: Literal["comparison"] = "comparison"
    between: Literal["time", "service", "version", "environment", "endpoint"]
    first: Side
    second: Side
    rows: tuple[Compared, ...]
    """One without labels, or one a group, the largest difference first."""


class MeasuredForecast(Frozen):
    """A straight line through the window, carried on. The interval is that of 95 % of single values."""

    kind: Literal["forecast"] = "forecast"
    now: float
    horizon_seconds: int
    value: float
    """At the end of the horizon; of what adds up (cost, tokens) the sum over the horizon."""
    low: float
    high: float
    sums_up: bool = False
    slope_per_day: float
    trend: Literal["rising", "falling", "steady", "unclear"]
    fitted: TimeRange
    """What the line goes through."""
    fell_back: bool = False
    """Whether it goes through what came after the last great fall only: a restart that gave memory back."""
    limit: float | None = None
    limit_at: AwareDatetime | None = None
    """When the line reaches the limit; null when not within thirty times the fitted range."""
    limit_earliest: AwareDatetime | None = None
    """When the upper end of the interval does."""


class Burn(Frozen):
    """How fast the budget goes in a window: 1 uses exactly all of it by the end of the objective's window."""

    window_seconds: int
    rate: float | None


class MeasuredBudget(Frozen):
    kind: Literal["budget"] = "budget"
    objective: float
    """Share of requests that must succeed."""
    window_seconds: int
    covered_seconds: int
    """How much of the window has data."""
    error_ratio: float
    left: float
    """Share of the error budget; negative when overspent."""
    burns: tuple[Burn, ...]
    """The shortest window first."""
    alerts: tuple[str, ...] = ()
    """The windows, as `5m/1h`, in both of which it burns too fast."""
    gone_in_seconds: float | None = None
    """Until nothing is left, at the rate of the last hour; null when it does not run out that way."""
    details: tuple[Detail, ...] = ()


class NotMeasured(Frozen):
    """`no_metric`: the backend has none for it; `no_label`: none that can be told apart so; `no_limit`: nothing to
    measure a share of; `no_series`: nothing of that name; `no_data`: no samples in the window; `nothing_counted`:
    a share or a percentile of nothing, no requests for instance; `too_few`: too few points for a line."""

    kind: Literal["none"] = "none"
    reason: Literal["no_metric", "no_label", "no_limit", "no_series", "no_data", "nothing_counted", "too_few"]
    detail: str
    """A sentence without its full stop."""


Figure = Annotated[
    MeasuredValue
    | MeasuredRows
    | MeasuredSeries
    | MeasuredComparison
    | MeasuredForecast
    | MeasuredBudget
    | NotMeasured,
    Field(discriminator="kind"),
]


class Measured(BaseModel):
    """`name` is that of the figure (`latency_p95`), `words` what people call it (`p95 latency`)."""

    name: str
    words: str
    unit: str | None
    range: TimeRange
    threshold: Threshold | None = None
    figure: Figure
    translations: tuple[Translation, ...] = ()
    """Every query that was run, the one that holds the figure first."""
