"""Plans about traces as TraceQL, from typed parts: conditions on spans and their resources, and what is reckoned
of them. Strings are quoted by `promql.quoted`, which Tempo reads in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actors.adapters.observatory.forms import environments
from actors.adapters.observatory.promql import literally, quoted, window_seconds
from actors.adapters.observatory.scope import method_and_path
from actors.adapters.observatory.steps import step_of
from schemas.errors import InvalidInput, Violation
from schemas.measures import Translation
from schemas.plans import Operator, Plan, TimeRange

ATTRIBUTES = {
    "service": "resource.service.name",
    "environment": "resource.deployment.environment.name",
    "version": "resource.service.version",
    "namespace": "resource.k8s.namespace.name",
    "pod": "resource.k8s.pod.name",
    "host": "resource.host.name",
    "endpoint": "span.http.route",
    "method": "span.http.request.method",
    "status_code": "span.http.response.status_code",
    "trace_id": "trace:id",
    "pattern": "name",
}
"""Kind of entity -> attribute by OpenTelemetry's conventions, or an intrinsic of the span."""
_PLAIN = ("service", "version", "namespace", "pod", "host")
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Condition:
    """`value` as TraceQL writes it: made by `text`, `duration`, or a number, or one of its own words."""

    attribute: str
    operator: Operator | str
    value: str

    def __str__(self) -> str:
        return f"{self.attribute} {self.operator} {self.value}"


@dataclass(frozen=True, slots=True)
class Spans:
    """All of the conditions hold for one span; `reckoned` is what is worked out of the spans that are found."""

    conditions: tuple[Condition, ...]
    reckoned: str = ""
    by: tuple[str, ...] = ()

    def __str__(self) -> str:
        inside = " && ".join(str(condition) for condition in self.conditions)
        found = f"{{ {inside} }}" if inside else "{ }"
        by = f" by ({', '.join(self.by)})" if self.by else ""
        return f"{found} | {self.reckoned}{by}" if self.reckoned else found


def text(value: str) -> str:
    return quoted(value)


def duration(seconds: float) -> str:
    """500ms, 1500us: the largest unit in which it is whole; at least a microsecond."""
    micros = max(1, round(seconds * _MICROSECONDS))
    for unit, size in (("s", _MICROSECONDS), ("ms", 1_000)):
        if micros % size == 0:
            return f"{micros // size}{unit}"
    return f"{micros}us"


def translate(plan: Plan, over: TimeRange) -> Translation:
    """The spans, or a percentile, a count, a rate of them. Raises InvalidInput for more than 30 days, for a status
    that is no number, and for grouping by what spans do not have."""
    seconds = window_seconds(over)
    reckoned, unit = _reckoned(plan)
    by = tuple(_attribute(role) for role in plan.group_by)
    if by and not reckoned:
        reckoned, unit = "count_over_time()", "spans"
    spans = Spans(tuple(_conditions(plan)), reckoned, by)
    step = float(step_of(seconds)) if plan.course else None
    return Translation(
        language="traceql",
        query=str(spans),
        range=over,
        step_seconds=step,
        unit=unit,
        explanation=_explanation(plan, spans),
    )


def _conditions(plan: Plan) -> Iterator[Condition]:
    for role in _PLAIN:
        value: str | None = getattr(plan, role)
        if value:
            yield Condition(ATTRIBUTES[role], "=", text(value))
    if plan.environment:
        forms = "|".join(literally(form) for form in environments(plan.environment))
        yield Condition(ATTRIBUTES["environment"], "=~", text(forms))
    method, path = method_and_path(plan.endpoint or "")
    if method:
        yield Condition(ATTRIBUTES["method"], "=", text(method))
    if path:
        yield Condition(ATTRIBUTES["endpoint"], "=", text(path))
    if plan.status_code:
        yield from _status(plan.status_code)
    if plan.trace_id:
        yield Condition(ATTRIBUTES["trace_id"], "=", text(plan.trace_id))
    if plan.pattern:
        yield Condition(ATTRIBUTES["pattern"], "=~", text(f".*{literally(plan.pattern)}.*"))
    if plan.threshold is not None:
        yield Condition("duration", _comparing(plan.threshold.operator), duration(plan.threshold.value))
    if _failing(plan):
        yield Condition("status", "=", "error")


def _status(code: str) -> Iterator[Condition]:
    attribute = ATTRIBUTES["status_code"]
    if code.lower().endswith("xx") and code[0].isdecimal():
        first = int(code[0]) * 100
        yield Condition(attribute, ">=", str(first))
        yield Condition(attribute, "<", str(first + 100))
    elif code.isascii() and code.isdecimal():
        yield Condition(attribute, "=", str(int(code)))
    else:
        violation = Violation(pointer="/status_code", detail="must be a number or a class such as 5xx")
        raise InvalidInput(f"{code!r} is no status of HTTP", violations=(violation,))


def _failing(plan: Plan) -> bool:
    return (
        plan.metric == "error_rate" or plan.log_level in ("error", "fatal") or plan.slots.get("status") == "error"
    )


def _comparing(operator: Operator) -> str:
    return "=" if operator == "==" else operator


def _reckoned(plan: Plan) -> tuple[str, str]:
    """What TraceQL works out of spans, and its unit; nothing where the spans themselves are asked for."""
    if plan.percentile is not None and plan.threshold is None and plan.top is None:
        return f"quantile_over_time(duration, {plan.percentile:g})", "seconds"
    if plan.aggregation in ("avg", "max", "min", "sum"):
        return f"{plan.aggregation}_over_time(duration)", "seconds"
    if plan.aggregation == "count":
        return "count_over_time()", "spans"
    if plan.per_seconds is not None or plan.course:
        return "rate()", "spans_per_second"
    return "", "traces"


def _attribute(role: str) -> str:
    if role not in ATTRIBUTES:
        violation = Violation(pointer="/group_by", detail=f"must be one of: {', '.join(ATTRIBUTES)}")
        raise InvalidInput(f"spans cannot be grouped by {role}", violations=(violation,))
    return ATTRIBUTES[role]


def _explanation(plan: Plan, spans: Spans) -> str:
    what = f"{spans.reckoned} of the spans" if spans.reckoned else "the traces with a span"
    where = (
        f" for which {' and '.join(str(condition) for condition in spans.conditions)}" if spans.conditions else ""
    )
    by = f", by {' and '.join(plan.group_by)}" if plan.group_by else ""
    slowest = f", of which the {plan.top} {'fastest' if plan.lowest else 'slowest'} are shown" if plan.top else ""
    return f"{what}{where}{by}{slowest}"
