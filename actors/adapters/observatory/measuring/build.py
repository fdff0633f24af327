"""From a plan to the shape of its answer, with the metrics that this backend has for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from actors.adapters.observatory.formula import Formula
from actors.adapters.observatory.measuring.budget import BudgetShape
from actors.adapters.observatory.measuring.comparison import SidesShape, WindowsShape
from actors.adapters.observatory.measuring.course import CourseShape
from actors.adapters.observatory.measuring.forecast import ForecastShape
from actors.adapters.observatory.measuring.modes import formula_of
from actors.adapters.observatory.measuring.reckoning import (
    Reckoning,
    budget_left,
    burn_rate,
    of_formula,
    worst_of,
)
from actors.adapters.observatory.measuring.rows import RowsShape
from actors.adapters.observatory.measuring.subject import Shape, Subject
from actors.adapters.observatory.measuring.value import ValueShape
from actors.adapters.observatory.promql import window_seconds
from actors.adapters.observatory.scope import Scope, scope_of
from actors.adapters.observatory.sources import CannotMeasure, Form, Sources, Wanted
from actors.platform.config import SloSettings
from schemas.errors import InvalidInput, Violation
from schemas.plans import Plan, TimeRange

HOUR, DAY = 3_600, 86_400
_USUAL_METRICS = {"cost_query": "cost", "slo_query": "error_budget", "capacity_forecast": "saturation"}
_OF_THE_OBJECTIVE = ("error_budget", "burn_rate", "error_rate", "availability")


@dataclass(frozen=True, slots=True)
class Built:
    """A shape, and what its figure is called."""

    shape: Shape
    name: str
    words: str
    unit: str | None
    over: TimeRange


@dataclass(frozen=True, slots=True)
class Builder:
    sources: Sources
    slo: SloSettings

    def metric_of(self, plan: Plan) -> str:
        """A concept, or a metric's own name. Raises InvalidInput where the plan has none."""
        metric = plan.metric or _USUAL_METRICS.get(plan.intent)
        if metric is None:
            violation = Violation(pointer="/metric", detail="must name a metric")
            raise InvalidInput(f"the plan for {plan.intent} names no metric", violations=(violation,))
        return metric

    async def build(self, plan: Plan, now: datetime) -> Built:
        """Raises CannotMeasure, InvalidInput, and what the backend raised."""
        metric, scope = self.metric_of(plan), scope_of(plan)
        over = plan.range or usual_range(plan, now)
        window_seconds(over)
        if plan.intent == "capacity_forecast" or plan.horizon_seconds is not None:
            return await self._forecast(plan, metric, scope, over)
        if self._asks_for_a_budget(plan, metric):
            return await self._budget(plan, metric, scope, over)
        if plan.comparison is not None:
            return await self._comparison(plan, metric, scope, over)
        if plan.top is not None and not scope.by:
            scope = scope.grouped("service")
        subject = await self._subject(plan, metric, scope, over)
        if plan.course:
            return _built(CourseShape(subject), subject)
        if scope.by:
            return _built(RowsShape(subject), subject)
        return _built(ValueShape(subject, await self._beside(subject)), subject)

    async def _beside(self, subject: Subject) -> tuple[Reckoning, ...]:
        """That instances were up does not say that requests succeeded; a cost is of models, and of tokens."""
        formula, scope = subject.reckoning.formula, subject.scope
        concept = formula.source.signal.concept.name if formula else ""
        if concept == "availability" and formula and formula.mode != "share":
            return await self._where_there_is("error_rate", scope)
        if subject.plan.intent == "cost_query" and concept == "cost":
            by_model = await self._where_there_is("cost", scope.grouped("model"))
            return (*by_model, *await self._where_there_is("token_usage", scope.grouped("token_type")))
        return ()

    async def _comparison(self, plan: Plan, metric: str, scope: Scope, over: TimeRange) -> Built:
        comparison = plan.comparison
        if comparison is None or comparison.kind == "time":
            other = (comparison.range if comparison else None) or _before(over)
            subject = await self._subject(plan, metric, scope, over)
            return _built(WindowsShape(subject, other), subject)
        sides = comparison.sides
        if len(sides) < 2:
            violation = Violation(pointer="/comparison/sides", detail="must be two names or more")
            raise InvalidInput("a comparison needs its sides", violations=(violation,))
        beside = Scope({**scope.wanted, comparison.kind: sides}, (comparison.kind,))
        subject = await self._subject(plan, metric, beside, over)
        if plan.course:
            return _built(CourseShape(subject), subject)
        if len(sides) > 2 or plan.threshold is not None:
            return _built(RowsShape(subject), subject)
        return _built(SidesShape(subject, comparison.kind, (sides[0], sides[1])), subject)

    async def _budget(self, plan: Plan, metric: str, scope: Scope, over: TimeRange) -> Built:
        window = timedelta(days=self.slo.window_days)
        whole = TimeRange(start=over.end - window, end=over.end)
        if scope.by or plan.top is not None:
            subject = await self._subject(
                plan, "error_budget", scope if scope.by else scope.grouped("service"), whole
            )
            return _built(RowsShape(subject), subject)
        source = await self.sources.find("error_rate", scope)
        subject = Subject(plan, whole, scope, of_formula(formula_of(source)), self.slo)
        latency = await self._where_there_is("latency", scope)
        shape = BudgetShape(subject, source, tuple((one, self.slo.latency_p95_seconds) for one in latency))
        return Built(shape, "error_budget", self._words("error_budget"), "ratio", whole)

    async def _where_there_is(self, concept: str, scope: Scope) -> tuple[Reckoning, ...]:
        """Nothing where the backend cannot tell the concept for this scope."""
        try:
            source = await self.sources.find(concept, scope)
        except CannotMeasure:
            return ()
        return () if source.unseen else (of_formula(formula_of(source)),)

    async def _forecast(self, plan: Plan, metric: str, scope: Scope, over: TimeRange) -> Built:
        if scope.by:
            violation = Violation(pointer="/group_by", detail="must be empty: a forecast is of one figure")
            raise InvalidInput("a forecast cannot be grouped", violations=(violation,))
        horizon = round(plan.horizon_seconds or over.seconds)
        reckoning = await self._with_limit(plan, metric, scope, over)
        unit, sums_up = reckoning.unit, reckoning.adds_up
        if sums_up and reckoning.formula is not None:
            reckoning = of_formula(Formula(reckoning.formula.source, "rate"))
        limited = self._limited(metric) and reckoning.unit == "ratio"
        limit = plan.threshold.value if plan.threshold else 1.0 if limited else None
        subject = Subject(plan.model_copy(update={"threshold": None}), over, scope, reckoning, self.slo)
        shape = ForecastShape(subject, horizon, limit, sums_up)
        return Built(shape, f"{reckoning.name}_forecast", reckoning.words, unit, over)

    async def _with_limit(self, plan: Plan, metric: str, scope: Scope, over: TimeRange) -> Reckoning:
        """As a share of its limit, where one is known and nothing else is asked for."""
        if plan.threshold is None and self._limited(metric):
            try:
                return await self.reckoning(plan, metric, scope, over, "ratio")
            except CannotMeasure:
                return await self.reckoning(plan, metric, scope, over, "any")
        return await self.reckoning(plan, metric, scope, over, self._form(plan, metric))

    async def _subject(self, plan: Plan, metric: str, scope: Scope, over: TimeRange) -> Subject:
        reckoning = await self.reckoning(plan, metric, scope, over, self._form(plan, metric))
        return Subject(plan, over, scope, reckoning, self.slo)

    async def reckoning(self, plan: Plan, metric: str, scope: Scope, over: TimeRange, form: Form) -> Reckoning:
        concept = self.sources.concept(metric)
        if metric in ("error_budget", "burn_rate"):
            ratio = await self.reckoning(plan, "error_rate", scope, over, "any")
            of = budget_left if metric == "error_budget" else burn_rate
            return of(metric, self._words(metric), ratio, self.slo.error_rate)
        if concept is not None and concept.worst:
            return await self._worst(plan, metric, concept.worst, scope, over)
        mean = plan.aggregation in ("avg", "sum", "count") and plan.percentile is None
        source = await self.sources.find(metric, scope, Wanted(form, buckets=not mean))
        formula = formula_of(source, plan.aggregation, plan.percentile, plan.per_seconds, window_seconds(over))
        return of_formula(formula)

    async def _worst(
        self, plan: Plan, metric: str, parts: tuple[str, ...], scope: Scope, over: TimeRange
    ) -> Reckoning:
        found: list[tuple[str, Reckoning]] = []
        unseen: list[tuple[str, Reckoning]] = []
        for part in parts:
            try:
                reckoning = await self.reckoning(plan, part, scope, over, "ratio")
            except CannotMeasure:
                continue
            formula = reckoning.formula
            into = found if formula is None or not formula.source.unseen else unseen
            if not into or reckoning.by == into[0][1].by:
                into.append((part, reckoning))
        found = found or unseen
        if not found:
            words = self._words(metric)
            raise CannotMeasure(
                "no_limit", f"for the {words} the backend has neither {' nor '.join(parts)} with a limit"
            )
        return worst_of(metric, self._words(metric), found)

    def _form(self, plan: Plan, metric: str) -> Form:
        """ "above 80 %" of what has a unit of its own is meant of its limit."""
        concept = self.sources.concept(metric)
        percent = plan.threshold is not None and ("%" in plan.threshold.text or "percent" in plan.threshold.text)
        return "ratio" if percent and concept is not None and concept.limited else "any"

    def _asks_for_a_budget(self, plan: Plan, metric: str) -> bool:
        if plan.course or plan.comparison is not None:
            return False
        return metric == "error_budget" or (plan.intent == "slo_query" and metric in _OF_THE_OBJECTIVE)

    def _limited(self, metric: str) -> bool:
        concept = self.sources.concept(metric)
        return concept is not None and concept.limited

    def _words(self, metric: str) -> str:
        concept = self.sources.concept(metric)
        return concept.words if concept else metric


def _built(shape: Shape, subject: Subject) -> Built:
    reckoning = subject.reckoning
    return Built(shape, reckoning.name, reckoning.words, reckoning.unit, subject.over)


def usual_range(plan: Plan, now: datetime) -> TimeRange:
    """The last hour; forecasts and costs are of a day."""
    seconds = DAY if plan.intent in ("capacity_forecast", "cost_query") else HOUR
    return TimeRange(start=now - timedelta(seconds=seconds), end=now)


def _before(over: TimeRange) -> TimeRange:
    return TimeRange(start=over.start - (over.end - over.start), end=over.start)
