"""PromQL expressions from typed parts: functions, aggregations, operators.

Every function takes what was built here or in `promql` and gives an `Expression`; nobody else makes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from actors.adapters.observatory.promql import Expression, Selector, label_name, quoted
from schemas.plans import Aggregation, Operator

Counting = Literal["rate", "increase", "changes"]
Levelling = Literal["avg", "max", "min", "sum", "count", "last"]
Grouping = Aggregation | Literal["group"]


@dataclass(frozen=True, slots=True)
class Span:
    """So many whole seconds back, from `offset_seconds` before the instant that is asked about.

    `at_end`: of a query over a range its end is meant, at each of its steps.
    """

    seconds: int
    offset_seconds: int = 0
    at_end: bool = False

    def __str__(self) -> str:
        return f"[{self.seconds}s]{self.shift}"

    @property
    def shift(self) -> str:
        """What follows a selector or a subquery to look at another time."""
        offset = f" offset {self.offset_seconds}s" if self.offset_seconds else ""
        return f"{offset} @ end()" if self.at_end else offset


# --- of a selector ---------------------------------------------------------------------------------


def counted(function: Counting, of: Selector, over: Span) -> Expression:
    """A counter's rate or increase, a gauge's changes."""
    return Expression(f"{function}({of}{over})")


def levelled(function: Levelling, of: Selector, over: Span) -> Expression:
    """A gauge over time."""
    return Expression(f"{function}_over_time({of}{over})")


def plain(of: Selector, at: Span | None = None) -> Expression:
    """The latest sample; `at` moves the instant."""
    return Expression(f"{of}{at.shift if at else ''}")


# --- of expressions --------------------------------------------------------------------------------


def over_time(function: Levelling, of: Expression, over: Span, step_seconds: int) -> Expression:
    """A subquery: `of` at each step of the span, then the function over these values."""
    return Expression(f"{function}_over_time(({of})[{over.seconds}s:{step_seconds}s]{over.shift})")


def predicted(of: Expression, over: Span, step_seconds: int, ahead_seconds: int) -> Expression:
    """The straight line through the values at each step of the span, so many seconds after its end."""
    return Expression(f"predict_linear(({of})[{over.seconds}s:{step_seconds}s]{over.shift}, {ahead_seconds})")


def aggregate(function: Grouping, of: Expression, by: Sequence[str] = ()) -> Expression:
    grouping = f" by ({_labels(by)}) " if by else ""
    return Expression(f"{function}{grouping}({of})")


def ranked(count: int, of: Expression, *, lowest: bool = False) -> Expression:
    return Expression(f"{'bottomk' if lowest else 'topk'}({count}, {of})")


def quantile(at: float, buckets: Expression) -> Expression:
    return Expression(f"histogram_quantile({at:g}, {buckets})")


def ratio(part: Expression, whole: Expression) -> Expression:
    """part / whole. A part without series counts as 0, so that no errors at all are 0 and not no data."""
    return Expression(f"{or_zero(part, whole)} / {whole}")


def or_zero(part: Expression, whole: Expression) -> Expression:
    """`part`, and 0 where only `whole` has something."""
    return Expression(f"({part} or 0 * {whole})")


def divided(part: Expression, whole: Expression) -> Expression:
    return Expression(f"{part} / {whole}")


def shared(part: Expression, whole: Expression, without: Sequence[str]) -> Expression:
    """Many parts of one whole: `part` is grouped by these labels as well, `whole` is not."""
    return Expression(f"{part} / ignoring ({_labels(without)}) group_left () {whole}")


def less(first: Expression, second: Expression) -> Expression:
    return Expression(f"({first} - {second})")


def complement(of: Expression) -> Expression:
    return Expression(f"1 - ({of})")


def total(parts: Sequence[Expression]) -> Expression:
    return parts[0] if len(parts) == 1 else Expression(f"({' + '.join(parts)})")


def times(factor: float, of: Expression) -> Expression:
    return of if factor == 1 else Expression(f"{number(factor)} * ({of})")


def compared(of: Expression, operator: Operator, value: float) -> Expression:
    """Keeps what the comparison holds for."""
    return Expression(f"({of}) {operator} {number(value)}")


def only_those_in(of: Expression, chosen: Expression, on: Sequence[str]) -> Expression:
    return Expression(f"({of}) and on ({_labels(on)}) ({chosen})")


def latest(info: Expression, on: Sequence[str]) -> Expression:
    """1 for the series with the newest sample of those that agree in these labels."""
    return Expression(f"(topk by ({_labels(on)}) (1, timestamp({info})) > bool 0)")


def both(first: Expression, second: Expression) -> Expression:
    """What is in both, with the first one's values."""
    return Expression(f"({first} and {second})")


def joined(of: Expression, info: Expression, on: Sequence[str], bringing: Sequence[str]) -> Expression:
    """Each series of `of` with the labels that its series of `info`, whose value is 1, has besides."""
    return Expression(f"{of} * on ({_labels(on)}) group_left ({_labels(bringing)}) {info}")


def tagged(of: Expression, label: str, value: str) -> Expression:
    """With one more label, of this value."""
    return Expression(f'label_replace({of}, {quoted(label_name(label))}, {quoted(_no_group(value))}, "", "")')


def any_of(alternatives: Sequence[Expression]) -> Expression:
    return Expression(" or ".join(alternatives))


def number(value: float) -> str:
    """As PromQL writes it; a float's shortest form that reads back the same."""
    return repr(float(value)).removesuffix(".0")


def _labels(names: Sequence[str]) -> str:
    return ", ".join(label_name(name) for name in names)


def _no_group(value: str) -> str:
    """In a replacement `$1` would mean a group; `$$` is a plain `$`."""
    return value.replace("$", "$$")
