"""Starting a run: the definition is checked and stored, the inputs are fitted, one commit is the acceptance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actors.platform.bus.ids import new_session_id
from actors.platform.store import GroupCommit
from actors.platform.store.database import Row
from actors.workflow import preview, storable
from actors.workflow.actions import asks
from actors.workflow.actions.port import Call
from actors.workflow.actions.registry import Actions
from actors.workflow.definition import inputs, version
from actors.workflow.definition.plan import Plan, Scope
from actors.workflow.definitions import Definitions
from actors.workflow.holders import Holders
from actors.workflow.state import Held
from actors.workflow.units import now
from schemas.envelope import Envelope
from schemas.errors import Forbidden, IdempotencyMismatch, InvalidInput, NotFound, Unavailable
from schemas.identity import Identity
from schemas.workflow import DefinitionChecked, RunAccepted, StartRun, ValidateDefinition

ATTEMPTS = 3  # two identical starts at the same moment: the second look finds the first one's run
DEEPEST = 10
"""Runs inside of runs."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The step that waits for the run."""

    run_id: str
    step_id: str
    item: str
    depth: int


class Starting:
    """`templates`: by name."""

    def __init__(
        self,
        starts: GroupCommit,
        definitions: Definitions,
        actions: Actions,
        templates: Mapping[str, dict[str, Any]],
        holders: Holders,
        actor: str,
    ) -> None:
        self._starts = starts
        self._definitions = definitions
        self._actions = actions
        self._templates = templates
        self._holders = holders
        self._actor = actor

    async def check(self, envelope: Envelope[ValidateDefinition]) -> DefinitionChecked:
        """Raises InvalidInput with every violation."""
        plan = self._definitions.check(envelope.data.definition)
        needed = sorted({p for uses in _used(plan) if (p := self._actions.permission(uses)) is not None})
        return DefinitionChecked(
            name=plan.definition.name, sha256=plan.sha256, steps=len(plan.steps), permissions=tuple(needed)
        )

    async def start(self, envelope: Envelope[StartRun]) -> RunAccepted:
        return await self.begin(envelope.data)

    async def begin(self, asked: StartRun, parent: Parent | None = None) -> RunAccepted:
        """Returns after the commit. Raises Forbidden, InvalidInput with places, NotFound for a workflow or
        template that is not there, IdempotencyMismatch for a known key with another body, Unavailable."""
        if not asked.identity.may("workflow.start"):
            raise Forbidden("this identity may not start workflows")
        plan, number = await self._plan(asked)
        self._permit(asked.identity, plan)
        given = _fitted(plan, asked.input)
        if asked.dry_run:
            return self._dry(plan, given, asked)
        number = number or await self._definitions.store(plan, asked.identity.user)
        return await self._accepted(asked, plan, number, given, parent)

    async def child(self, asked: asks.SubWorkflow, call: Call) -> str:
        """The run of a `core.workflow` step: the same one for each attempt that was not answered, another one
        after one that has failed."""
        if call.depth >= DEEPEST:
            raise InvalidInput(f"workflows are inside of each other more than {DEEPEST} deep")
        start = StartRun(
            identity=call.identity,
            definition=asked.definition,
            template=asked.template,
            workflow=asked.workflow,
            version=asked.version,
            input=asked.input,
            idempotency_key=f"{call.effect_key}:{call.failures}",
            source="workflow",
        )
        accepted = await self.begin(start, Parent(call.run_id, call.step_id, call.item, call.depth))
        if accepted.id is None:
            raise TypeError("a run that is no dry run has an id")
        return accepted.id

    async def _plan(self, asked: StartRun) -> tuple[Plan, int | None]:
        if asked.workflow is not None:
            number, plan = await self._definitions.get(asked.workflow, asked.version)
            return plan, number
        if asked.template is None:
            return self._definitions.check(asked.definition), None
        tree = self._templates.get(asked.template)
        if tree is None:
            raise NotFound(
                f"there is no template {asked.template}; there are {', '.join(sorted(self._templates))}"
            )
        return self._definitions.check(tree), None

    def _permit(self, identity: Identity, plan: Plan) -> None:
        for uses in _used(plan):
            needed = self._actions.permission(uses)
            if needed is not None and not identity.may(needed):
                raise Forbidden(f"{uses} needs the permission {needed}")

    def _dry(self, plan: Plan, given: dict[str, Any], asked: StartRun) -> RunAccepted:
        at = now().isoformat()
        about = {"id": "", "workflow": plan.definition.name, "user": asked.identity.user, "started_at": at}
        scope = Scope(given, {}, about, at)
        return RunAccepted(
            name=plan.definition.name, plan=preview.whole(plan, scope, self._actions.effects), status="pending"
        )

    async def _accepted(
        self, asked: StartRun, plan: Plan, number: int, given: dict[str, Any], parent: Parent | None
    ) -> RunAccepted:
        params = self._params(asked, plan, number, given, parent)
        for _ in range(ATTEMPTS):
            key = asked.idempotency_key
            row = await self._starts.write(f"{params['owner']} {key}" if key else params["run_id"], params)
            if row is not None:
                return await self._taken(row, params)
        raise Unavailable("the same start is being stored by somebody else", after=0.2)

    async def _taken(self, row: Row, params: dict[str, Any]) -> RunAccepted:
        known = row["verdict"] == "known"
        if known and row["fingerprint"] != params["fingerprint"]:
            raise IdempotencyMismatch("this key was used to start something else")
        if not known:
            await self._held(params)
        return RunAccepted(
            id=row["id"], status=row["status"], name=row["name"], version=row["version"], duplicate=known
        )

    async def _held(self, params: dict[str, Any]) -> None:
        if params["actor"] is None:
            await self._holders.heard(params["run_id"], None, 0)
        else:
            self._holders.take(params["run_id"], 1, Held.fresh(params))

    def _params(
        self, asked: StartRun, plan: Plan, number: int, given: dict[str, Any], parent: Parent | None
    ) -> dict[str, Any]:
        timeout = plan.definition.timeout
        return {
            "run_id": new_session_id(asked.identity.owner),
            "owner": asked.identity.owner,
            "user_name": asked.identity.user,
            "identity": asked.identity.model_dump(),
            "name": plan.definition.name,
            "version": number,
            "inputs": given,
            "source": asked.source,
            "session_id": asked.session_id,
            "key": asked.idempotency_key,
            "fingerprint": version.digest({"definition": plan.sha256, "input": asked.input}),
            "parent_id": parent.run_id if parent else None,
            "parent_step": parent.step_id if parent else None,
            "parent_item": parent.item if parent else None,
            "depth": parent.depth + 1 if parent else 0,
            "steps_total": len(plan.steps),
            "actor": self._actor if self._holders.free > 0 else None,
            "deadline_at": now() + timeout if timeout is not None else None,
        }


def _used(plan: Plan) -> set[str]:
    steps = plan.definition.steps
    return {step.uses for step in steps} | {step.compensate.uses for step in steps if step.compensate}


def _fitted(plan: Plan, given: dict[str, Any]) -> dict[str, Any]:
    try:
        storable.written(given)
    except storable.NotStorable as error:
        raise InvalidInput(f"the input {error}") from error
    return inputs.resolve(plan.definition.inputs, given)
