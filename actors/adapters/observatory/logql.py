"""Plans about logs as LogQL, from typed parts: streams, filters of lines and labels, counts.

Every value is quoted by `promql.quoted`, whose strings Loki reads in the same way; labels must look like labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from actors.adapters.observatory.expressions import number
from actors.adapters.observatory.forms import environments
from actors.adapters.observatory.promql import Matcher, label_name, of_status, one_of, quoted, window_seconds
from actors.adapters.observatory.scope import method_and_path
from actors.adapters.observatory.steps import step_of
from schemas.measures import Translation
from schemas.plans import Operator, Plan, TimeRange

LABELS = {
    "service": "service",
    "level": "level",
    "environment": "environment",
    "namespace": "namespace",
    "pod": "pod",
    "host": "host",
    "version": "version",
    "status_code": "status",
    "endpoint": "route",
    "method": "method",
    "pattern": "message",
}
"""Kind of entity -> label of the stream, or field of a line in JSON; the configuration's go before."""
_OF_STREAMS = ("service", "namespace", "pod", "environment")
_OF_LINES = ("status_code", "endpoint", "method", "version", "host")
_LEVELS = {
    "fatal": ("fatal", "critical", "panic"),
    "error": ("error", "err"),
    "warn": ("warn", "warning"),
    "info": ("info", "information"),
    "debug": ("debug",),
}
_EVERYTHING = ".+"


@dataclass(frozen=True, slots=True)
class LogSelection:
    """Which lines: `streams` must not be empty; `contains` are texts that a line has, as they stand."""

    streams: tuple[Matcher, ...]
    contains: tuple[str, ...] = ()
    json: bool = False
    """Whether the fields of the lines are needed."""
    fields: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        parts = [f"{{{', '.join(str(matcher) for matcher in self.streams)}}}"]
        parts += [f"|= {quoted(text)}" for text in self.contains]
        parts += ["| json"] if self.json else []
        parts += [f"| {matcher}" for matcher in self.fields]
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class LogCount:
    """How many lines in so many seconds, or per so many; `top` groups of those by the labels `by`."""

    of: LogSelection
    seconds: int
    by: tuple[str, ...] = ()
    per_seconds: float | None = None
    top: int | None = None
    lowest: bool = False
    threshold: tuple[Operator, float] | None = None

    def __str__(self) -> str:
        function = "count_over_time" if self.per_seconds is None else "rate"
        by = f" by ({', '.join(label_name(label) for label in self.by)}) " if self.by else ""
        text = f"sum{by}({function}({self.of} [{self.seconds}s]))"
        if self.per_seconds not in (None, 1.0):
            text = f"{self.per_seconds:g} * {text}"
        if self.threshold is not None:
            operator, value = self.threshold
            text = f"{text} {operator} {number(value)}"
        if self.top is not None:
            text = f"{'bottomk' if self.lowest else 'topk'}({self.top}, {text})"
        return text


def translate(plan: Plan, over: TimeRange, labels: Mapping[str, str]) -> Translation:
    """The lines themselves, or how many there are where the plan counts, groups, compares or wants a course.

    Raises InvalidInput for more than 30 days, and for a configured label that cannot be one.
    """
    named = {**LABELS, **labels}
    selection = _selection(plan, named)
    if not _counts(plan):
        window_seconds(over)
        words = f"the lines{_words(plan)}, newest first"
        return Translation(language="logql", query=str(selection), range=over, unit="lines", explanation=words)
    return _counted(plan, over, selection, named)


def _counts(plan: Plan) -> bool:
    wanted = (plan.aggregation, plan.per_seconds, plan.top, plan.threshold, plan.comparison)
    return bool(plan.group_by or plan.course or any(one is not None for one in wanted))


def _selection(plan: Plan, labels: Mapping[str, str]) -> LogSelection:
    """A stream must be chosen by something: by having a service at all where none is named."""
    streams = tuple(_matchers(plan, labels, _OF_STREAMS)) or (Matcher(labels["service"], "=~", _EVERYTHING),)
    fields = tuple(_matchers(plan, labels, _OF_LINES))
    by_field = any(role in _OF_LINES or role == "pattern" for role in _by(plan))
    contains = tuple(text for text in (plan.pattern, plan.trace_id) if text)
    return LogSelection(streams, contains, bool(fields) or by_field, (*_level(plan, labels), *fields))


def _matchers(plan: Plan, labels: Mapping[str, str], roles: Sequence[str]) -> Iterator[Matcher]:
    for role, value in _named(plan, roles):
        if role == "environment":
            yield one_of(labels[role], environments(value))
        elif role == "status_code":
            yield of_status(labels[role], (value,))
        else:
            yield Matcher(labels[role], "=", value)


def _named(plan: Plan, roles: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What the plan names of these kinds of entities; a method is part of its endpoint."""
    method, path = method_and_path(plan.endpoint or "")
    of_endpoint = {"endpoint": path, "method": method}
    for role in roles:
        value: str | None = of_endpoint[role] if role in of_endpoint else getattr(plan, role)
        if value:
            yield role, value


def _level(plan: Plan, labels: Mapping[str, str]) -> Iterator[Matcher]:
    """Written in any case, short or long. A filter, not a stream's label: it may be either, or a line's field."""
    if plan.log_level:
        yield Matcher(labels["level"], "=~", f"(?i)({'|'.join(_LEVELS[plan.log_level])})")


def _by(plan: Plan) -> tuple[str, ...]:
    """The most frequent ones of nothing named are patterns: messages that are alike."""
    return plan.group_by or (("pattern",) if plan.top is not None else ())


def _counted(plan: Plan, over: TimeRange, selection: LogSelection, labels: Mapping[str, str]) -> Translation:
    seconds = window_seconds(over)
    step = step_of(seconds) if plan.course else None
    count = LogCount(
        of=selection,
        seconds=step or seconds,
        by=tuple(labels.get(role, role) for role in _by(plan)),
        per_seconds=plan.per_seconds,
        top=plan.top,
        lowest=plan.lowest,
        threshold=_threshold(plan),
    )
    first = _translation(plan, count, over, step)
    other = plan.comparison.range if plan.comparison is not None else None
    if other is None:
        return first
    there = replace(count, seconds=step or window_seconds(other))  # asked about at its own window's end
    return first.model_copy(update={"further": (_translation(plan, there, other, step),)})


def _threshold(plan: Plan) -> tuple[Operator, float] | None:
    if plan.threshold is None:
        return None
    return plan.threshold.operator, plan.threshold.value * (plan.per_seconds or 1.0)


def _translation(plan: Plan, count: LogCount, over: TimeRange, step: int | None) -> Translation:
    per = f" per {plan.per_seconds:g} s" if plan.per_seconds else ""
    by = f", by {' and '.join(role.replace('_', ' ') for role in _by(plan))}" if _by(plan) else ""
    which = f", the {plan.top} {'rarest' if plan.lowest else 'most frequent'}" if plan.top else ""
    kept = f", kept only where it is {plan.threshold.operator} {plan.threshold.text}" if plan.threshold else ""
    return Translation(
        language="logql",
        query=str(count),
        range=over,
        step_seconds=step,
        unit="lines",
        explanation=f"the number of lines{per}{_words(plan)}{by}{which}{kept}",
    )


def _words(plan: Plan) -> str:
    parts = [
        f"{role.replace('_', ' ')} {value}"
        for role, value in _named(plan, (*_OF_STREAMS, "log_level", *_OF_LINES, "pattern", "trace_id"))
    ]
    return f" of {', '.join(parts)}" if parts else ""
