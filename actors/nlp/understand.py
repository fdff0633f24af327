"""From an utterance to a plan: entities, intent, what the conversation supplies, what is missing."""

from __future__ import annotations

from actors.nlp.entities import Found, entities, find
from actors.nlp.entities.services import base_name, index_of, near, singular
from actors.nlp.intents import IntentName, Verdict, classify
from actors.nlp.times import Calendar, Window, calendar_for, last_hour
from schemas.adapters import Catalogue
from schemas.context import WorkingMemory
from schemas.nlp import Entity, Handling, Understanding, UnknownService, Utterance
from schemas.plans import Metric, Plan, TimeRange

DEFAULT_PERCENTILE = 0.95
"""Of a latency whose percentile is not named; the objective for latency is one of this percentile."""
METRIC_WORDS: dict[Metric, str] = {
    "error_rate": "error rate",
    "latency": "latency",
    "request_rate": "request rate",
}
HANDLING: dict[IntentName, Handling] = {
    "metric_query": Handling(handler="metric", permission="telemetry.read"),
    "service_health": Handling(handler="health", permission="telemetry.read"),
    "help": Handling(handler="help", permission="chat"),
    "affirm": Handling(handler="affirm", permission="telemetry.read"),
    "deny": Handling(handler="deny", permission="chat"),
    "out_of_scope": Handling(handler="out_of_scope", permission="chat"),
}


def understand(utterance: Utterance, catalogue: Catalogue) -> Understanding:
    """Pure. Where `unknown_services` or `missing` is not empty the plan is not complete and must not be run: its
    service is then the name as the text has it, or None.

    An empty or degraded catalogue cannot say that a service does not exist: names are then taken as given.
    Raises InvalidInput for a time zone or an `as_of` that cannot be worked with.
    """
    memory = utterance.memory
    calendar = calendar_for(utterance.as_of, utterance.timezone, _earlier(memory))
    found = find(utterance.text, calendar, catalogue)
    verdict = classify(utterance.text, found, memory)
    named = entities(utterance.text, found)
    if verdict.name not in ("metric_query", "service_health"):
        kept = WorkingMemory(plan=memory.plan)
        return Understanding(intent=verdict.intent(), handling=HANDLING[verdict.name], entities=named, memory=kept)
    return _planned(verdict, found, named, memory, calendar, catalogue)


def _earlier(memory: WorkingMemory) -> Window | None:
    window = memory.plan.range if memory.plan else None
    return Window(window.start, window.end) if window else None


def _planned(
    verdict: Verdict,
    found: Found,
    named: tuple[Entity, ...],
    memory: WorkingMemory,
    calendar: Calendar,
    catalogue: Catalogue,
) -> Understanding:
    before = memory.plan if memory.plan and memory.plan.intent in ("metric_query", "service_health") else None
    continued = before if verdict.follow_up else None
    metric, metric_options = _metric(verdict, found, continued)
    service = _Service.of(found, before if verdict.name == "metric_query" else continued, catalogue)
    asks_service = verdict.name == "metric_query" and not service.given(found, continued)
    options = service.options or (catalogue.services if asks_service else ())
    missing = (
        *(("metric",) if verdict.name == "metric_query" and metric is None else ()),
        *(("service",) if service.options or asks_service else ()),
    )
    plan = Plan(
        intent=verdict.name,
        service=service.name,
        metric=metric,
        percentile=_percentile(found, metric, continued),
        range=_range(found, continued, calendar),
    )
    return Understanding(
        intent=verdict.intent(),
        handling=HANDLING[verdict.name],
        memory=WorkingMemory(plan=before if service.unknown else plan),
        entities=(*_from_history(found, plan, before, continued), *named),
        plan=plan,
        missing=missing,
        options=metric_options if missing[:1] == ("metric",) else options if missing else (),
        unknown_services=service.unknown,
    )


# --- slots -----------------------------------------------------------------------------------------


def _metric(verdict: Verdict, found: Found, continued: Plan | None) -> tuple[Metric | None, tuple[str, ...]]:
    """Two different metrics are a question back: a plan holds one."""
    if verdict.name != "metric_query":
        return None, ()
    wanted: list[Metric] = [
        metric for metric in METRIC_WORDS if any(part.value == metric for part in found.metrics)
    ]
    if found.percentiles and "latency" not in wanted:
        wanted = [*wanted, "latency"] if any(part.strong for part in found.metrics) else ["latency"]
    if len(wanted) > 1:
        return None, tuple(METRIC_WORDS[metric] for metric in wanted)
    if wanted:
        return wanted[0], ()
    if continued is not None and continued.request_metric is not None:
        return continued.request_metric, ()
    return None, tuple(METRIC_WORDS.values())


def _percentile(found: Found, metric: Metric | None, continued: Plan | None) -> float | None:
    if metric != "latency":
        return None
    if found.percentiles:
        return found.percentiles[0].ratio
    if continued is not None and continued.metric == "latency" and continued.percentile is not None:
        return continued.percentile
    return DEFAULT_PERCENTILE


def _range(found: Found, continued: Plan | None, calendar: Calendar) -> TimeRange:
    if not found.times and continued is not None and continued.range is not None:
        return continued.range
    window = found.times[0].window if found.times else last_hour(calendar)
    return TimeRange(start=window.start, end=window.end)


class _Service:
    """The service of the plan; `options` when several fit, `unknown` when none does."""

    def __init__(
        self, name: str | None, options: tuple[str, ...] = (), unknown: tuple[UnknownService, ...] = ()
    ) -> None:
        self.name = name
        self.options = options
        self.unknown = unknown

    @classmethod
    def of(cls, found: Found, before: Plan | None, catalogue: Catalogue) -> _Service:
        names = tuple(dict.fromkeys(name for part in found.services for name in part.names))
        if len(names) > 1:
            return cls(None, options=names)
        if names:
            return cls(names[0])
        if found.mentions:
            return cls.named(found.mentions[0].written, catalogue)
        if before is None or before.service is None or found.everything:
            return cls(None)
        if before.service in catalogue.services:
            return cls(before.service)
        return cls.named(before.service, catalogue)

    @classmethod
    def named(cls, name: str, catalogue: Catalogue) -> _Service:
        """A name that the catalogue does not have as it stands."""
        if not catalogue.services or catalogue.degraded:
            return cls(base_name(name))
        parts = index_of(catalogue.services).parts.get(singular(base_name(name)), ())
        if len(parts) > 1:
            return cls(None, options=parts)
        return cls(base_name(name), unknown=(UnknownService(name=name, near=near(name, catalogue.services)),))

    def given(self, found: Found, continued: Plan | None) -> bool:
        """True when it is known which service is meant, or that all are."""
        return bool(self.name or self.options or found.everything or continued is not None)


def _from_history(found: Found, plan: Plan, before: Plan | None, continued: Plan | None) -> tuple[Entity, ...]:
    """What the conversation supplied; these have no place in the text."""
    supplied: list[Entity] = []
    if plan.service and not found.names_service and before is not None:
        supplied.append(_history("service", base_name(plan.service)))
    if continued is None:
        return tuple(supplied)
    if plan.metric and not found.measures:
        supplied.append(_history("metric", plan.metric))
    if plan.percentile and not found.percentiles and plan.percentile == continued.percentile:
        supplied.append(_history("percentile", f"{plan.percentile:g}"))
    if plan.range and not found.times and plan.range == continued.range:
        supplied.append(_history("time_range", _interval(plan.range), plan.range))
    return tuple(supplied)


def _interval(window: TimeRange) -> str:
    """As ISO 8601 writes it: start/end."""
    return f"{window.start.isoformat()}/{window.end.isoformat()}"


def _history(kind: str, value: str, window: TimeRange | None = None) -> Entity:
    return Entity(type=kind, value=value, text="", start=0, end=0, resolved_from="history", range=window)
