"""From a concept to the metrics that hold it in this backend, with the labels that a question needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from actors.adapters.observatory.conventions import CONVENTIONS, Concept, Conventions, Roles, Signal
from actors.adapters.observatory.inventory import Inventory
from actors.adapters.observatory.labels import STATUS, Labels, Placed
from actors.adapters.observatory.owned import near, owned
from actors.adapters.observatory.promql import Matcher, Selector
from actors.adapters.observatory.scope import Scope
from actors.adapters.observatory.vectors import Join

Form = Literal["any", "ratio", "absolute"]
"""Memory as a share of its limit, or in bytes."""
Reason = Literal["no_metric", "no_label", "no_limit"]
_MOST_NAMED = 4


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
    join: Join | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(label for _, label in self.by)

    def main(self, suffix: str = "") -> Selector:
        """Its own metric with the scope, the status left out."""
        metric = self.signal.metric
        return Selector(f"{metric.metric}{suffix}", (*metric.matchers, *self.matchers))

    def other(self, of: Selector) -> Selector:
        return of.where(*self.others.get(of.metric, ()))


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
        self._labels = Labels(inventory)
        self._metrics = metrics
        self._configured = labels
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
        main = await self._labels.placed(signal.main, roles, scope)
        others = {
            one.metric: main if one.metric == signal.main else await self._labels.placed(one.metric, roles, scope)
            for one in signal.others
        }
        status = main.labels.get(STATUS) or await self._labels.first(signal.main, roles, STATUS)
        source = Source(
            signal=signal,
            matchers=main.matchers,
            status=main.status,
            status_label=status,
            by=tuple((role, main.labels[role]) for role in scope.by if role in main.labels),
            others={other: placed.matchers for other, placed in others.items()},
            missing=_missing(signal, scope, main, others, status),
            unseen=main.unseen,
        )
        return await self._joined(source, roles, scope) if source.missing else source

    async def _joined(self, source: Source, roles: Roles, scope: Scope) -> Source:
        """With what an info metric beside its metrics knows, where that is all that is missing."""
        there = await self._inventory.names()
        infos = [info for info in self._conventions.infos if info in there]
        metrics = (source.signal.main, *(one.metric for one in source.signal.others))
        found = await self._labels.joined(metrics, infos, roles, scope, source.missing)
        if found is None:
            return source
        labels = {**dict(source.by), **found.labels}
        by = tuple((role, labels[role]) for role in scope.by)
        own = [matcher for matcher in source.matchers if matcher.label in found.join.on]
        join = replace(found.join, info=found.join.info.where(*own))
        return replace(source, by=by, join=join, missing=(), unseen=(*source.unseen, *found.unseen))

    def _roles(self, signal: Signal) -> Roles:
        roles = {**self._conventions.roles, **signal.labels}
        return {**roles, **{role: (label, *roles.get(role, ())) for role, label in self._configured.items()}}

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


def _missing(
    signal: Signal, scope: Scope, main: Placed, others: Mapping[str, Placed], status: str | None
) -> tuple[str, ...]:
    missing = [role for placed in (main, *others.values()) for role in placed.missing]
    for placed in others.values():  # what is grouped must have the same labels on both sides of an operator
        missing += [role for role in scope.by if placed.labels.get(role) != main.labels.get(role)]
    if signal.failed is not None and status is None:
        missing.append(STATUS)
    return tuple(dict.fromkeys(missing))


def _distance(source: Source) -> tuple[int, int]:
    """Without a label it cannot be asked; without a series it will have nothing to say."""
    return len(source.missing), len(source.unseen)


def _no_label(source: Source) -> str:
    what = " or ".join(role.replace("_", " ") for role in source.missing)
    return f"{source.signal.main} has no label for {what} in this backend"
