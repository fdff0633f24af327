"""One value for the window, with what explains it: its objective, a saturation's parts, failures by status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from actors.adapters.observatory.asking import Ask, Found
from actors.adapters.observatory.expressions import Span, aggregate, counted
from actors.adapters.observatory.formula import DEFAULT_PERCENTILE
from actors.adapters.observatory.measuring.nothing import nothing
from actors.adapters.observatory.measuring.reckoning import Reckoning
from actors.adapters.observatory.measuring.subject import OneRound, Subject
from actors.adapters.observatory.promql import Matcher, Query
from actors.adapters.observatory.questions import Question
from actors.adapters.observatory.sources import Source
from schemas.measures import Detail, Figure, MeasuredValue


@dataclass(frozen=True, slots=True)
class ValueShape(OneRound):
    """`beside` are figures that belong to it: what share of requests failed while all instances were up, what of
    the cost is which model's."""

    subject: Subject
    beside: tuple[Reckoning, ...] = ()

    @property
    def asks(self) -> tuple[Ask, ...]:
        subject = self.subject
        plain = subject.reckoning.over(subject.span)
        questions = [subject.question(plain), *self._beside()]
        if subject.threshold is not None:
            # Where it does not hold the comparison leaves nothing, which reads like no data: both are asked.
            questions.insert(0, subject.question(subject.compared(plain), *subject.threshold_words))
        return tuple(Ask(question, subject.over) for question in questions)

    def figure(self, found: tuple[Found, ...]) -> Figure:
        subject = self.subject
        rest = found if subject.threshold is None else found[1:]
        value = rest[0].value()
        if value is None:
            return nothing(subject, rest[0])
        target = self._target()
        return MeasuredValue(
            value=value,
            met=None if subject.threshold is None else found[0].value() is not None,
            target=target,
            within_target=None if target is None else value < target,
            details=tuple(detail for one in rest[1:] for detail in _details(one, self._roles)),
        )

    def _beside(self) -> list[Question]:
        span, parts = self.subject.span, (*self.subject.reckoning.parts, *self.beside)
        if parts:
            return [
                Question(one.name, one.unit, Query.of(one.over(span)), one.labels, one.explanation)
                for one in parts
            ]
        source = self._breakdown_of()
        return [] if source is None else _breakdown(source, span)

    @property
    def _roles(self) -> dict[str, str]:
        """Label -> kind of entity, of the groups of what is beside; a breakdown is by status."""
        return {label: role for one in self.beside for role, label in one.by}

    def _breakdown_of(self) -> Source | None:
        """Of an error rate, what it is made of; a single status has no parts."""
        formula = self.subject.reckoning.formula
        if formula is None or formula.mode != "share" or formula.peak or formula.source.status is not None:
            return None
        plain = formula.source.signal.failed is not None and not formula.source.signal.complement
        return formula.source if plain and formula.source.join is None else None

    def _target(self) -> float | None:
        formula, slo = self.subject.reckoning.formula, self.subject.slo
        if formula is None or formula.peak:
            return None
        concept, source = formula.source.signal.concept.name, formula.source
        if formula.mode == "share" and concept == "error_rate" and source.status is None:
            return slo.error_rate
        if formula.mode == "quantile" and concept == "latency" and formula.percentile == DEFAULT_PERCENTILE:
            return slo.latency_p95_seconds
        return None


def _breakdown(source: Source, span: Span) -> list[Question]:
    status, failed = source.status_label or "", source.signal.failed or ""
    total = aggregate("sum", counted("increase", source.main(), span))
    failing = source.main().where(Matcher(status, "=~", failed))
    by_status = aggregate("sum", counted("increase", failing, span), (status,))
    metric = source.signal.main
    return [
        Question("total_requests", "requests", Query.of(total), (), f"the increase of {metric}"),
        Question(
            "failed_requests",
            "requests",
            Query.of(by_status),
            (status,),
            f"the increase of {metric} by failing status",
        ),
    ]


def _details(found: Found, roles: Mapping[str, str]) -> tuple[Detail, ...]:
    """The largest first; what did not occur is left out."""
    question = found.question
    if not question.by:
        return (Detail(name=question.name, value=found.value(), unit=question.unit),)
    ranked = sorted(found.reading.samples, key=lambda sample: -(sample.value or 0.0))
    return tuple(
        Detail(
            name=question.name,
            value=sample.value,
            unit=question.unit,
            labels={roles.get(label, "status_code"): sample.labels.get(label, "") for label in question.by},
        )
        for sample in ranked
        if sample.value
    )
