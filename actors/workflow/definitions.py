"""Stored definitions: immutable, by name and version, and compiled once an actor."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

from actors.platform.store import Database
from actors.workflow import storable
from actors.workflow.actions.registry import Actions
from actors.workflow.definition import load
from actors.workflow.definition.model import Definition
from actors.workflow.definition.plan import Plan
from schemas.errors import InvalidInput, NotFound, Unavailable, Violation

REMEMBERED = 256
ATTEMPTS = 5
_ONLY_IN_STEPS = frozenset({"core.approval", "core.ask", "core.workflow"})


class Definitions:
    def __init__(self, database: Database, actions: Actions) -> None:
        self._database = database
        self._actions = actions
        self._checked: OrderedDict[bytes, Plan] = OrderedDict()
        self._plans: OrderedDict[tuple[str, int], Plan] = OrderedDict()
        self._versions: OrderedDict[tuple[str, str], int] = OrderedDict()

    def check(self, tree: Any) -> Plan:
        """Raises InvalidInput with every violation and its place. The same tree is checked once."""
        try:
            digest = hashlib.sha256(storable.written(tree)).digest()
        except storable.NotStorable as error:
            raise InvalidInput(f"the definition {error}") from error
        plan = self._checked.get(digest)
        if plan is None:
            plan = self._check(tree)
        _remember(self._checked, digest, plan)
        return plan

    def _check(self, tree: Any) -> Plan:
        plan = load.plan(tree, self._actions.asks)
        wrong = tuple(
            Violation(pointer=f"/steps/{n}/compensate/uses", detail=f"{step.compensate.uses} takes nothing back")
            for n, step in enumerate(plan.definition.steps)
            if step.compensate is not None and step.compensate.uses in _ONLY_IN_STEPS
        )
        if wrong:
            raise InvalidInput(f"the workflow cannot run: {wrong[0].pointer}: {wrong[0].detail}", violations=wrong)
        return plan

    async def store(self, plan: Plan, user: str) -> int:
        """The version: that of the same definition if it is there already, else the next one of its name."""
        name = plan.definition.name
        known = self._versions.get((name, plan.sha256))
        if known is None:
            known = await self._stored(plan, user)
            _remember(self._versions, (name, plan.sha256), known)
        _remember(self._plans, (name, known), plan)
        return known

    async def get(self, name: str, number: int | None) -> tuple[int, Plan]:
        """A stored definition, its newest version where none is given. Raises NotFound."""
        if number is not None and (found := self._plans.get((name, number))) is not None:
            self._plans.move_to_end((name, number))
            return number, found
        row = await self._database.one("read_definition", {"name": name, "version": number})
        if row is None:
            raise NotFound(f"there is no workflow {name}" + (f" in version {number}" if number else ""))
        plan = self._plans.get((name, row["version"])) or Plan(Definition.model_validate(row["graph"]))
        _remember(self._plans, (name, row["version"]), plan)
        return row["version"], plan

    async def _stored(self, plan: Plan, user: str) -> int:
        params = {
            "name": plan.definition.name,
            "sha256": plan.sha256,
            "graph": plan.definition.model_dump_json(by_alias=True, exclude_defaults=True),
            "user": user,
        }
        for _ in range(ATTEMPTS):
            row = await self._database.one("store_definition", params)
            if row is not None:
                return row["version"]
        raise Unavailable(f"versions of {plan.definition.name} are being stored by others", after=0.2)


def _remember(cache: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > REMEMBERED:
        cache.popitem(last=False)
