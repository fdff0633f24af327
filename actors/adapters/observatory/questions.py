"""Concepts as queries: one backend's vocabulary, one scope, one window."""

from __future__ import annotations

from dataclasses import dataclass

from actors.adapters.observatory.expressions import (
    Expression,
    Span,
    aggregate,
    counted,
    plain,
    quantile,
    ratio,
    times,
)
from actors.adapters.observatory.promql import Matcher, Query, one_of
from actors.adapters.observatory.vocabulary import Named, Vocabulary


@dataclass(frozen=True, slots=True)
class Question:
    """`by` is what the result is grouped by; the result's name and unit are those of the evidence."""

    name: str
    unit: str | None
    query: Query
    by: tuple[str, ...] = ()
    explanation: str = ""
    """What the query computes, in words."""


@dataclass(frozen=True, slots=True)
class Questions:
    """`services` None: all of them. `each`: one value a service instead of one for all together."""

    vocabulary: Vocabulary
    window: int
    services: tuple[str, ...] | None = None
    each: bool = False

    def error_ratio(self) -> Question:
        failed, total = self._requests(self.vocabulary.failed), self._requests()
        return self._question("error_ratio", "ratio", ratio(failed, total), self.vocabulary.requests)

    def total_requests(self) -> Question:
        return self._question("total_requests", "requests", self._requests(), self.vocabulary.requests)

    def failures(self) -> Question:
        """Failed requests by status."""
        requests, status = self.vocabulary.requests, self.vocabulary.status_label
        by = (*self._by(requests), status)
        of = counted(
            "increase", requests.selector(*self._scope(requests), self.vocabulary.failed), Span(self.window)
        )
        return Question("failed_requests", "requests", Query.of(aggregate("sum", of, by)), by)

    def latency(self, percentile: float) -> Question:
        buckets = self.vocabulary.duration_buckets
        observed = counted("increase", buckets.selector(*self._scope(buckets)), Span(self.window))
        by = (*self._by(buckets), "le")
        name = f"latency_p{percentile * 100:g}"
        expression = times(buckets.scale, quantile(percentile, aggregate("sum", observed, by)))
        return self._question(name, "seconds", expression, buckets)

    def request_rate(self) -> Question:
        requests = self.vocabulary.requests
        of = counted("rate", requests.selector(*self._scope(requests)), Span(self.window))
        expression = aggregate("sum", of, self._by(requests))
        return self._question("request_rate", "requests_per_second", expression, requests)

    def instances(self) -> Question:
        return self._up("instances", "count")

    def instances_up(self) -> Question:
        return self._up("instances_up", "sum")

    def _requests(self, *more: Matcher) -> Expression:
        requests = self.vocabulary.requests
        of = counted("increase", requests.selector(*self._scope(requests), *more), Span(self.window))
        return aggregate("sum", of, self._by(requests))

    def _up(self, name: str, function: str) -> Question:
        up = self.vocabulary.up
        of = plain(up.selector(*self._scope(up)))
        expression = aggregate("sum" if function == "sum" else "count", of, self._by(up))
        return self._question(name, "instances", expression, up)

    def _scope(self, metric: Named) -> tuple[Matcher, ...]:
        named = (one_of(metric.service_label, self.services),) if self.services is not None else ()
        return named if metric.scope is None else metric.scope

    def _by(self, metric: Named) -> tuple[str, ...]:
        return (metric.service_label,) if self.each else ()

    def _question(self, name: str, unit: str, expression: Expression, metric: Named) -> Question:
        return Question(name, unit, Query.of(expression), self._by(metric))
