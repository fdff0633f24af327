"""Two sides of one question: a window and another one, two services, versions, environments, endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from actors.adapters.observatory.asking import Ask, Found
from actors.adapters.observatory.expressions import Span
from actors.adapters.observatory.forms import meant
from actors.adapters.observatory.measuring.nothing import nothing
from actors.adapters.observatory.measuring.subject import OneRound, Subject
from actors.adapters.observatory.promql import window_seconds
from actors.adapters.observatory.readings import Sample
from schemas.measures import Compared, Figure, MeasuredComparison, Side
from schemas.plans import TimeRange


@dataclass(frozen=True, slots=True)
class WindowsShape(OneRound):
    """The plan's window and another, which need not be as long."""

    subject: Subject
    other: TimeRange

    @property
    def asks(self) -> tuple[Ask, ...]:
        subject, reckoning = self.subject, self.subject.reckoning
        this = Ask(subject.question(reckoning.over(subject.span)), subject.over)
        seconds, offset = window_seconds(self.other), self._offset
        if offset is None:
            there = subject.question(reckoning.over(Span(seconds)), "in the other window")
            return this, Ask(there, self.other)
        there = subject.question(reckoning.over(Span(seconds, offset)), f"{offset:,} s earlier")
        return this, Ask(there, subject.over, looked_at=self.other)

    def figure(self, found: tuple[Found, ...]) -> Figure:
        this, there = ({tuple(one.labels.items()): one for one in side.reading.samples} for side in found)
        rows = [
            _row(self.subject.roles((this.get(key) or there[key]).labels), this.get(key), there.get(key))
            for key in dict.fromkeys((*this, *there))
        ]
        if not any(row.first is not None or row.second is not None for row in rows):
            return nothing(self.subject, found[0])
        return MeasuredComparison(
            between="time",
            first=Side(range=self.subject.over),
            second=Side(range=self.other),
            rows=tuple(sorted(rows, key=lambda row: -abs(row.difference or 0.0))),
        )

    @property
    def _offset(self) -> int | None:
        """Whole seconds from one to the other of two windows of equal length; None where they are not."""
        apart = (self.subject.over.end - self.other.end).total_seconds()
        alike = self.subject.span.seconds == window_seconds(self.other)
        return round(apart) if alike and apart > 0 and apart == round(apart) else None


@dataclass(frozen=True, slots=True)
class SidesShape(OneRound):
    """Two names side by side, in one query that is grouped by what they are names of."""

    subject: Subject
    between: str
    sides: tuple[str, str]

    @property
    def asks(self) -> tuple[Ask, ...]:
        subject = self.subject
        question = subject.question(
            subject.reckoning.over(subject.span), f"{self.sides[0]} beside {self.sides[1]}"
        )
        return (Ask(question, subject.over),)

    def figure(self, found: tuple[Found, ...]) -> Figure:
        samples = found[0].reading.samples
        first, second = (self._of(name, samples) for name in self.sides)
        if first is None and second is None:
            return nothing(self.subject, found[0])
        over = self.subject.over
        return MeasuredComparison.model_validate(
            {
                "between": self.between,
                "first": Side(name=self.sides[0], range=over),
                "second": Side(name=self.sides[1], range=over),
                "rows": (_row({}, first, second),),
            }
        )

    def _of(self, name: str, samples: tuple[Sample, ...]) -> Sample | None:
        """A side that is written in another way in the backend is found as it was for the query."""
        label = dict(self.subject.reckoning.by)[self.between]
        return next(
            (one for one in samples if meant(self.between, label, name, (one.labels.get(label, ""),))), None
        )


def _row(labels: dict[str, str], first: Sample | None, second: Sample | None) -> Compared:
    one, other = first.value if first else None, second.value if second else None
    known = one is not None and other is not None
    return Compared(
        labels=labels,
        first=one,
        second=other,
        difference=one - other if one is not None and other is not None else None,
        ratio=one / other if known and one is not None and other else None,
    )
