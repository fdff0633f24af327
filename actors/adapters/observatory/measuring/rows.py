"""One value a group, ranked: by service, by endpoint, the five slowest, those above a threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace

from actors.adapters.observatory.asking import Ask, Found
from actors.adapters.observatory.expressions import Expression, aggregate, ranked
from actors.adapters.observatory.formula import Formula
from actors.adapters.observatory.measuring.nothing import nothing
from actors.adapters.observatory.measuring.subject import OneRound, Subject
from actors.adapters.observatory.promql import Query
from actors.adapters.observatory.questions import Question
from schemas.measures import Figure, MeasuredRows, Row

MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class RowsShape(OneRound):
    subject: Subject

    @property
    def asks(self) -> tuple[Ask, ...]:
        subject = self.subject
        everything = subject.reckoning.over(subject.span)
        kept, words = self._kept(everything)
        beside = self._groups(everything) if self._narrowed else self._whole()
        questions = (subject.question(kept, *words), *((beside,) if beside else ()))
        return tuple(Ask(question, subject.over) for question in questions)

    def figure(self, found: tuple[Found, ...]) -> Figure:
        subject, chosen = self.subject, found[0]
        named = [Row(labels=subject.roles(one.labels), value=one.value) for one in chosen.reading.samples]
        beside = found[1].value() if len(found) == 2 else None
        measured = round(beside or 0) if self._narrowed else len(named)
        total = None if self._narrowed else beside
        if not measured and total is None:
            return nothing(subject, chosen)
        rows = sorted(named, key=self._rank)[: subject.plan.top or MOST_ROWS]
        by = tuple(role for role, _ in subject.reckoning.by)
        return MeasuredRows(by=by, rows=tuple(rows), measured=measured, total=total)

    @property
    def _narrowed(self) -> bool:
        return self.subject.plan.top is not None or self.subject.threshold is not None

    def _kept(self, everything: Expression) -> tuple[Expression, tuple[str, ...]]:
        plan, kept = self.subject.plan, self.subject.compared(everything)
        if plan.top is None:
            return kept, self.subject.threshold_words
        which = f"the {plan.top} {'lowest' if plan.lowest else 'highest'}"
        return ranked(plan.top, kept, lowest=plan.lowest), (*self.subject.threshold_words, which)

    def _groups(self, everything: Expression) -> Question:
        """How many there are to choose from: none above a threshold is not the same as no data."""
        return Question(
            "groups", "groups", Query.of(aggregate("count", everything)), (), "how many groups have data"
        )

    def _whole(self) -> Question | None:
        """Of shares by status: that of all statuses together, 0 where there are requests and no failures."""
        formula = self.subject.reckoning.formula
        if formula is None or formula.mode != "share" or formula.peak:
            return None
        source = formula.source
        if source.status_label not in source.labels:
            return None
        together = Formula(replace(source, by=()), "share")
        words = f"{self.subject.reckoning.explanation}, all together"
        return Question(
            self.subject.reckoning.name, "ratio", Query.of(together.over(self.subject.span)), (), words
        )

    def _rank(self, row: Row) -> tuple[bool, float, str]:
        value = row.value or 0.0
        return row.value is None, value if self.subject.plan.lowest else -value, str(row.labels)
