"""A scope on the labels of one metric: by which label each kind of entity is told, and by which value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actors.adapters.observatory.conventions import Roles
from actors.adapters.observatory.forms import meant
from actors.adapters.observatory.inventory import Inventory
from actors.adapters.observatory.promql import Matcher, Selector, of_status, one_of
from actors.adapters.observatory.scope import Scope
from actors.adapters.observatory.vectors import Join

STATUS = "status_code"
_IDENTITY = ("job", "instance", "service", "service_name", "namespace", "pod", "app")
"""Labels that say whose a series is: by them an info metric belongs to the others."""


@dataclass(frozen=True, slots=True)
class Placed:
    """`status` is apart from the other matchers: a share needs it on its part only."""

    matchers: tuple[Matcher, ...]
    status: Matcher | None
    labels: Mapping[str, str]
    """Kind of entity -> label, of what is filtered and grouped by."""
    missing: tuple[str, ...]
    """Kinds of entities that the metric has no label for."""
    unseen: tuple[str, ...]
    """Kinds of entities whose value none of its series has."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What an info metric knows of a scope, beside the metric itself."""

    join: Join
    labels: Mapping[str, str]
    unseen: tuple[str, ...]


class Labels:
    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    async def placed(self, metric: str, roles: Roles, scope: Scope) -> Placed:
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
            status = matcher if role == STATUS else status
            matchers += [] if role == STATUS else [matcher]
            unseen += [] if seen else [role]
        for role in scope.by:
            label = labels.get(role) or await self.first(metric, roles, role)
            missing += [] if label else [role]
            labels |= {role: label} if label else {}
        return Placed(tuple(matchers), status, labels, tuple(dict.fromkeys(missing)), tuple(unseen))

    async def joined(
        self, metrics: Sequence[str], infos: Sequence[str], roles: Roles, scope: Scope, missing: Sequence[str]
    ) -> Joined | None:
        """The first of the info metrics that tells all that the metrics lack, by labels that they share."""
        if STATUS in missing:
            return None
        part = Scope(
            {role: values for role, values in scope.wanted.items() if role in missing},
            tuple(role for role in scope.by if role in missing),
        )
        for info in infos:
            shared = await self._inventory.labels(info)
            for metric in metrics:
                shared &= await self._inventory.labels(metric)
            on = tuple(label for label in _IDENTITY if label in shared)
            placed = await self.placed(info, roles, part)
            brought = tuple(label for label in dict.fromkeys(placed.labels.values()) if label not in on)
            if on and brought and not placed.missing:
                return Joined(Join(Selector(info), on, brought, placed.matchers), placed.labels, placed.unseen)
        return None

    async def first(self, metric: str, roles: Roles, role: str) -> str | None:
        """The label that holds this kind of entity there; a kind not in the table is a label's own name."""
        return next(iter(await self._candidates(metric, roles, role)), None)

    async def _matcher(
        self, metric: str, roles: Roles, role: str, values: tuple[str, ...]
    ) -> tuple[Matcher | None, bool]:
        """On the first label that has one of the values; on the first of all, and False, where none has."""
        labels = await self._candidates(metric, roles, role)
        if not labels:
            return None, False
        if role == STATUS:
            return of_status(labels[0], values), True
        for label in labels:
            there = await self._inventory.values(metric, label)
            found = [value for wanted in values for value in meant(role, label, wanted, there)]
            if found:
                return one_of(label, dict.fromkeys(found)), True
        return one_of(labels[0], values), False

    async def _candidates(self, metric: str, roles: Roles, role: str) -> tuple[str, ...]:
        there = await self._inventory.labels(metric)
        return tuple(label for label in roles.get(role, (role,)) if label in there)
