"""A source as an expression: what is done with its metrics for an aggregation, a percentile, a rate's unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from actors.adapters.observatory.expressions import (
    Expression,
    Levelling,
    Span,
    aggregate,
    complement,
    divided,
    less,
    or_zero,
    over_time,
    quantile,
    ratio,
    shared,
    times,
    total,
)
from actors.adapters.observatory.promql import Matcher, Selector
from actors.adapters.observatory.sources import Source
from actors.adapters.observatory.steps import step_of, window_of
from actors.adapters.observatory.vectors import Vectors, by_labels
from schemas.plans import Aggregation

DEFAULT_PERCENTILE = 0.95
Mode = Literal["share", "rate", "total", "quantile", "mean", "observations", "spent", "ratio", "level", "series"]
"""share: a part of its own whole. rate, total: a counter per second, and its increase. quantile, mean,
observations, spent: of a histogram, the latter its count and its sum. ratio: of two metrics. level: of a gauge.
series: how many there are."""


@dataclass(frozen=True, slots=True)
class Formula:
    """`per_seconds` 60: a rate is told per minute. `peak`: the highest or lowest of any step of the window."""

    source: Source
    mode: Mode
    percentile: float | None = None
    level: Aggregation | None = None
    per_seconds: float = 1.0
    peak: Literal["max", "min"] | None = None

    # --- the expression ----------------------------------------------------------------------------

    def over(self, span: Span) -> Expression:
        """Grouped by the source's labels; one value where there are none."""
        if self.peak is None:
            return self._core(span)
        step = window_of(step_of(span.seconds))
        if step >= span.seconds:
            return self._core(span)
        inner = replace(self, peak=None).over(Span(step))
        # Each point looks back one step: the first ends one step after the window's beginning.
        return over_time(self.peak, inner, replace(span, seconds=span.seconds - step), step)

    @property
    def _vectors(self) -> Vectors:
        return Vectors(self.source.join)

    def _core(self, span: Span) -> Expression:
        signal = self.source.signal
        value = self._value(span)
        value = complement(value) if signal.complement else value
        return times(self._factor, value)

    @property
    def _factor(self) -> float:
        """To base units, and to the rate's own time."""
        unscaled = self.mode in ("share", "ratio", "observations", "series")
        scale = 1.0 if unscaled else self.source.signal.scale
        return scale * (self.per_seconds if self.mode == "rate" else 1.0)

    def _value(self, span: Span) -> Expression:
        if self.mode in ("quantile", "mean", "observations", "spent"):
            return self._of_histogram(span)
        if self.mode == "share":
            return self._share(span)
        if self.mode in ("rate", "total"):
            return self._counter(span)
        return self._ratio(span) if self.mode == "ratio" else self._level(span)

    def _of_histogram(self, span: Span) -> Expression:
        if self.mode == "quantile":
            buckets = self._vectors.counted("increase", self._selected("_bucket"), span)
            at = self.percentile or DEFAULT_PERCENTILE
            return quantile(at, aggregate("sum", buckets, by_labels(self.source.labels, "le")))
        count = self._sum(self._vectors.counted("increase", self._selected("_count"), span))
        if self.mode == "observations":
            return count
        spent = self._sum(self._vectors.counted("increase", self._selected("_sum"), span))
        return spent if self.mode == "spent" else divided(spent, count)

    def _share(self, span: Span) -> Expression:
        by, status = self.source.labels, self.source.status_label
        apart = tuple(label for label in by if label == status)
        whole = self._increase(self.source.main(), span, tuple(label for label in by if label not in apart))
        part = self._increase(self.source.main().where(*self._part()), span, by)
        return shared(part, whole, apart) if apart else ratio(part, whole)

    def _counter(self, span: Span) -> Expression:
        signal = self.source.signal
        function = "changes" if signal.kind == "changes" else "rate" if self.mode == "rate" else "increase"
        of = self._vectors.counted(function, self._counted(), span)
        value = aggregate(signal.over, of, self.source.labels)
        narrowed = bool(self._narrowing()) and self.source.status_label not in self.source.labels
        if not narrowed:
            return value
        # A status that never occurred has no series: where there are others it is 0, not unknown.
        everything = aggregate(
            signal.over, self._vectors.counted(function, self.source.main(), span), self.source.labels
        )
        return or_zero(value, everything)

    def _ratio(self, span: Span) -> Expression:
        signal, source = self.source.signal, self.source
        if signal.kind == "counter":
            wholes = [self._counter_of(source.other(one), span) for one in signal.of]
            return divided(self._counter_of(self._selected(), span), total(wholes))
        wholes = [self._gauge(source.other(one), span) for one in signal.of]
        return divided(self._gauge(self._selected(), span), total(wholes))

    def _counter_of(self, of: Selector, span: Span) -> Expression:
        """As rates: then a limit that is a gauge can be what they are divided by."""
        if of.metric.endswith(("_total", "_count", "_sum")):
            return self._sum(self._vectors.counted("rate", of, span))
        return self._sum(self._vectors.levelled("avg", of, span))

    def _level(self, span: Span) -> Expression:
        less_than = self.source.signal.less
        if less_than is None:
            return self._gauge(self._selected(), span)
        return less(self._gauge(self._selected(), span), self._gauge(self.source.other(less_than), span))

    def _gauge(self, of: Selector, span: Span) -> Expression:
        """Over time, then over the series: the average's sum (or as the signal says), the highest of all."""
        if self.mode == "series":
            return aggregate("count", self._vectors.levelled("last", of, span), self.source.labels)
        over_series = self.level or self.source.signal.over
        in_time: Levelling = self.level if self.level in ("max", "min") else "avg"
        return aggregate(over_series, self._vectors.levelled(in_time, of, span), self.source.labels)

    # --- its parts ---------------------------------------------------------------------------------

    def _sum(self, of: Expression) -> Expression:
        return aggregate("sum", of, self.source.labels)

    def _increase(self, of: Selector, span: Span, by: Sequence[str]) -> Expression:
        return aggregate("sum", self._vectors.counted("increase", of, span), by)

    def _selected(self, suffix: str = "") -> Selector:
        """With the status, where one is asked for."""
        status = self.source.status
        return self.source.main(suffix).where(*((status,) if status else ()))

    def _counted(self) -> Selector:
        return self.source.main().where(*self._narrowing())

    def _narrowing(self) -> tuple[Matcher, ...]:
        """What is left of the metric's series: the failed ones of a share, those of the status asked for."""
        if self.source.signal.share:
            return self._part()
        return (self.source.status,) if self.source.status else ()

    def _part(self) -> tuple[Matcher, ...]:
        """A status that is asked for takes the place of what counts as failed."""
        signal, source = self.source.signal, self.source
        if source.status is not None:
            return (source.status,)
        if signal.failed is not None and source.status_label is not None:
            return (Matcher(source.status_label, "=~", signal.failed),)
        return signal.part
