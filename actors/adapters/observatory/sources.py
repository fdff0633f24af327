"""From a concept to the metrics that hold it in this backend, with the labels that a question needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from actors.adapters.observatory.conventions import CONVENTIONS, Concept, Conventions, Roles, Signal
from actors.adapters.observatory.forms import meant
from actors.adapters.observatory.inventory import Inventory
from actors.adapters.observatory.owned import near, owned
from actors.adapters.observatory.promql import Matcher, Selector, one_of
from actors.adapters.observatory.scope import Scope

Form = Literal["any", "ratio", "absolute"]
"""Memory as a share of its limit, or in bytes."""
Reason = Literal["no_metric", "no_label", "no_limit"]
_MOST_NAMED = 4
_STATUS = "status_code"


class CannotMeasure(Exception):
    """What the backend has does not answer the question; `detail` is a sentence without its full stop."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Wanted:
    """`buckets`: of a histogram a percentile is asked for, not the mean."""

    form: Form = "any"
    buckets: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """A signal as this backend has it, for one scope."""

    signal: Signal
    matchers: tuple[Matcher, ...] = ()
    """Of the scope, on the signal's own metric; that of the status is apart."""
    status: Matcher | None = None
    status_label: str | None = None
    by: tuple[tuple[str, str], ...] = ()
    """(kind of entity, label) in the order of the scope."""
    others: Mapping[str, tuple[Matcher, ...]] = field(default_factory=dict[str, tuple[Matcher, ...]])
    """Metric -> matchers, of what is divided by and subtracted."""
    missing: tuple[str, ...] = ()
    """Kinds of entities that the metric has no label for."""
    unseen: tuple[str, ...] = ()
    """Kinds of entities whose value none of its series has."""

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(label for _, label in self.by)

    def main(self, suffix: str = "") -> Selector:
        """Its own metric with the scope, the status left out."""
        metric = self.signal.metric
        return Selector(f"{metric.metric}{suffix}", (*metric.matchers, *self.matchers))

    def other(self, of: Selector) -> Selector:
        return of.where(*self.others.get(of.metric, ()))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A scope on the labels of one metric."""

    matchers: tuple[Matcher, ...]
    status: Matcher | None
    labels: Mapping[str, str]
    missing: tuple[str, ...]
    unseen: tuple[str, ...]


class Sources:
    """`metrics` and `labels` are the configuration's: concept -> metric, kind of entity -> label."""

    def __init__(
        self,
        inventory: Inventory,
        metrics: Mapping[str, str],
        labels: Mapping[str, str],
        conventions: Conventions = CONVENTIONS,
    ) -> None:
        self._inventory = inventory
        self._metrics = metrics
        self._labels = labels
        self._conventions = conventions

    def concept(self, name: str) -> Concept | None:
        return self._conventions.concepts.get(name)

    async def find(self, name: str, scope: Scope, wanted: Wanted = Wanted()) -> Source:
        """The first signal that is there with all that the scope names; the nearest to it where none is.

        `name` is a concept, or a metric's own. Raises CannotMeasure where there is none, and where its metric has
        no label for what the scope names.
        """
        best: Source | None = None
        async for signal in self._there(name, scope, wanted):
            source = await self._source(signal, scope)
            if best is None or _distance(source) < _distance(best):
                best = source
            if _distance(best) == (0, 0):
                break
        if best is None:
            raise await self._nothing(name, wanted)
        if best.missing:
            raise CannotMeasure("no_label", _no_label(best))
        return best

    async def available(self, name: str) -> tuple[Signal, ...]:
        """Every signal of a concept whose metrics are there."""
        return tuple([signal async for signal in self._there(name, Scope(), Wanted())])

    async def of_signal(self, signal: Signal, scope: Scope) -> Source:
        """That very signal. Raises CannotMeasure where its metric lacks a label of the scope."""
        source = await self._source(signal, scope)
        if source.missing:
            raise CannotMeasure("no_label", _no_label(source))
        return source

    async def _there(self, name: str, scope: Scope, wanted: Wanted) -> AsyncIterator[Signal]:
        there = await self._inventory.names()
        concept = self._conventions.concepts.get(name)
        if concept is None:
            signal = owned(name, there, await self._inventory.types())
            if signal is not None and _fits(signal, there, wanted):
                yield signal
            return
        if name in self._metrics:
            signal = owned(self._metrics[name], there, await self._inventory.types(), concept)
            if signal is not None and _fits(signal, there, wanted):
                yield _configured(signal)
        signals = self._conventions.of(name)
        if scope.of_hosts:  # of a machine itself before of what runs on it
            signals = tuple(sorted(signals, key=lambda one: one.labels.get("service") != ()))
        for signal in signals:
            if signal.needs <= there and _fits(signal, there, wanted):
                yield signal

    async def _source(self, signal: Signal, scope: Scope) -> Source:
        roles = self._roles(signal)
        main = await self._placed(signal.main, roles, scope)
        others = [one.metric for one in (*signal.of, *((signal.less,) if signal.less else ()))]
        placed = {
            other: main if other == signal.main else await self._placed(other, roles, scope) for other in others
        }
        missing = [role for one in (main, *placed.values()) for role in one.missing]
        # What is grouped must be grouped by the same labels on both sides of an operator.
        missing += [
            role for one in placed.values() for role in scope.by if one.labels.get(role) != main.labels.get(role)
        ]
        status = main.labels.get(_STATUS) or await self._label(signal.main, roles, _STATUS)
        if signal.failed is not None and status is None:
            missing.append(_STATUS)
        return Source(
            signal=signal,
            matchers=main.matchers,
            status=main.status,
            status_label=status,
            by=tuple((role, main.labels[role]) for role in scope.by if role in main.labels),
            others={other: one.matchers for other, one in placed.items()},
            missing=tuple(dict.fromkeys(missing)),
            unseen=main.unseen,
        )

    async def _placed(self, metric: str, roles: Roles, scope: Scope) -> _Placed:
        matchers: list[Matcher] = []
        status: Matcher | None = None
        labels: dict[str, str] = {}
        missing: list[str] = []
        unseen: list[str] = []
        for role, values in scope.wanted.items():
            matcher, seen = await self._matcher(metric, roles, role, values)
            if matcher is None:
                missing.append(role)
                continue
            labels[role] = matcher.label
            status = matcher if role == _STATUS else status
            matchers += [] if role == _STATUS else [matcher]
            unseen += [] if seen else [role]
        for role in scope.by:
            label = labels.get(role) or await self._label(metric, roles, role)
            missing += [] if label else [role]
            labels |= {role: label} if label else {}
        return _Placed(tuple(matchers), status, labels, tuple(missing), tuple(unseen))

    async def _matcher(
        self, metric: str, roles: Roles, role: str, values: tuple[str, ...]
    ) -> tuple[Matcher | None, bool]:
        """On the first label that has one of the values; on the first of all, and False, where none has."""
        labels = await self._candidates(metric, roles, role)
        if not labels:
            return None, False
        if role == _STATUS:
            return _status(labels[0], values), True
        for label in labels:
            there = await self._inventory.values(metric, label)
            found = [value for wanted in values for value in meant(role, label, wanted, there)]
            if found:
                return one_of(label, dict.fromkeys(found)), True
        return one_of(labels[0], values), False

    async def _label(self, metric: str, roles: Roles, role: str) -> str | None:
        return next(iter(await self._candidates(metric, roles, role)), None)

    async def _candidates(self, metric: str, roles: Roles, role: str) -> tuple[str, ...]:
        there = await self._inventory.labels(metric)
        return tuple(label for label in roles.get(role, (role,)) if label in there)

    def _roles(self, signal: Signal) -> Roles:
        roles = {**self._conventions.roles, **signal.labels}
        return {**roles, **{role: (label, *roles.get(role, ())) for role, label in self._labels.items()}}

    async def _nothing(self, name: str, wanted: Wanted) -> CannotMeasure:
        concept = self._conventions.concepts.get(name)
        if concept is None:
            like = near(name, await self._inventory.names())
            suggested = f"; near ones: {', '.join(like)}" if like else ""
            return CannotMeasure("no_metric", f"the backend has no metric named {name}{suggested}")
        if wanted.form == "ratio" and await self.available(name):
            return CannotMeasure("no_limit", f"the backend has no limit to measure the {concept.words} against")
        tried = dict.fromkeys(signal.main for signal in self._conventions.of(name))
        named = ", ".join(list(tried)[:_MOST_NAMED])
        more = f" or {len(tried) - _MOST_NAMED} others" if len(tried) > _MOST_NAMED else ""
        looked = f": none of {named}{more} is there" if tried else ""
        return CannotMeasure("no_metric", f"the backend has no metric for the {concept.words}{looked}")


def _fits(signal: Signal, there: frozenset[str], wanted: Wanted) -> bool:
    if wanted.form != "any" and (signal.unit == "ratio") != (wanted.form == "ratio"):
        return False
    needs_buckets = signal.kind == "histogram" and wanted.buckets
    return not needs_buckets or f"{signal.metric.metric}_bucket" in there


def _configured(signal: Signal) -> Signal:
    """A counter that is configured as the error rate counts all requests, by status."""
    if signal.concept.name != "error_rate" or signal.kind == "gauge":
        return signal
    metric = Selector(signal.main)
    return Signal(signal.concept, signal.convention, "counter", metric, "ratio", failed="5..")


def _status(label: str, values: tuple[str, ...]) -> Matcher:
    """`5xx` is every status of that class."""
    classes = [value for value in values if value.lower().endswith("xx")]
    if not classes:
        return one_of(label, values)
    return Matcher(label, "=~", "|".join(f"{value[0]}.." if value in classes else value for value in values))


def _distance(source: Source) -> tuple[int, int]:
    """Without a label it cannot be asked; without a series it will have nothing to say."""
    return len(source.missing), len(source.unseen)


def _no_label(source: Source) -> str:
    what = " or ".join(role.replace("_", " ") for role in source.missing)
    return f"{source.signal.main} has no label for {what} in this backend"
