"""People's decisions: who may take them, and what becomes of each."""

from __future__ import annotations

import json
from typing import Any

from actors.platform.config import AuthSettings
from actors.platform.store import Database
from actors.platform.store.database import Row
from actors.workflow import storable
from actors.workflow.definitions import Definitions
from actors.workflow.holders import Holders
from actors.workflow.outbox import Outbox, Told
from actors.workflow.pages import cursor, next_cursor
from actors.workflow.units import now
from schemas.approvals import (
    ApprovalItem,
    ApprovalKind,
    ApprovalList,
    ApprovalPage,
    Choice,
    Decision,
    DecisionTaken,
)
from schemas.envelope import Envelope
from schemas.errors import Conflict, CopilotError, Forbidden, InvalidInput, NotFound
from schemas.identity import Identity, Role

CHOICES: dict[ApprovalKind, tuple[Choice, ...]] = {
    "approval": ("approve", "reject"),
    "question": ("answer",),
    "verdict": ("happened", "again", "fail"),
}
RANKS: tuple[Role, ...] = ("viewer", "operator", "approver", "admin")
LARGEST_ANSWER_BYTES = 64 << 10


class Approvals:
    """`local`: there is one person only; self-approval is allowed, and audited as such."""

    def __init__(
        self,
        database: Database,
        definitions: Definitions,
        holders: Holders,
        outbox: Outbox,
        actor: str,
        auth: AuthSettings,
    ) -> None:
        self._database = database
        self._definitions = definitions
        self._holders = holders
        self._outbox = outbox
        self._actor = actor
        self._local = auth.mode == "local"

    async def decide(self, envelope: Envelope[Decision]) -> DecisionTaken:
        """Returns after the commit. Raises NotFound, Forbidden, InvalidInput for a choice that is not offered,
        Conflict for a decision too early, too late, on another plan, or after one's first."""
        decision = envelope.data
        asked = await self._asked(decision)
        try:
            self._permit(decision, asked)
        except Forbidden as error:
            await self._audit(decision, f"refused: {error.detail}")
            raise
        _check_choice(decision, asked)
        params = self._params(decision, asked)
        row = (await self._database.batch([("lock_run", params), ("decide", params)]))[1][0]
        if refusal := _refusal(row["verdict"], decision):
            await self._audit(decision, f"refused: {refusal.detail}")
            raise refusal
        if row["verdict"] == "taken":
            self._outbox.add([_told(decision, params, row)])
            await self._holders.heard(decision.id, row["actor"], row["epoch"])
        return DecisionTaken(
            workflow_id=decision.id,
            step_id=decision.step_id,
            item=decision.item,
            decision=decision.decision,
            outcome=row["outcome"],
            approvals=row["approvals"],
            quorum=row["quorum"],
        )

    async def several(self, envelope: Envelope[ApprovalList]) -> ApprovalPage:
        asked = envelope.data
        at, run, step, item = cursor(asked.cursor, 4)
        rows = await self._database.all(
            "list_approvals",
            {
                "owner": None if asked.identity.may("workflow.any") else asked.identity.owner,
                "run_id": asked.workflow_id,
                "status": asked.status,
                "who": _names(asked.identity) if asked.mine and not self._local else None,
                "alone": self._local,
                "user": asked.identity.user,
                "before_at": at,
                "before_run": run,
                "before_step": step,
                "before_item": item,
                "limit": asked.limit + 1,
            },
        )
        shown = rows[: asked.limit]
        return ApprovalPage(
            items=tuple(item_of(row) for row in shown),
            next_cursor=next_cursor(rows, asked.limit, ("requested_at", "run_id", "step_id", "item")),
        )

    async def _asked(self, decision: Decision) -> Row:
        where = {"run_id": decision.id, "step_id": decision.step_id, "item": decision.item}
        row = await self._database.one("asked", where)
        if row is not None:
            return row
        run = await self._database.one("run_view", where)
        if run is None:
            raise NotFound(f"there is no run {decision.id}")
        _, plan = await self._definitions.get(run["name"], run["version"])
        if decision.step_id not in plan.steps:
            raise NotFound(f"the run {decision.id} has no step {decision.step_id}")
        raise Conflict(f"the step {decision.step_id} does not wait for a decision: it has not asked for one")

    def _permit(self, decision: Decision, asked: Row) -> None:
        identity = decision.identity
        if not self._local and not set(asked["approvers"]) & set(_names(identity)):
            raise Forbidden(f"this is for {', '.join(asked['approvers'])} to decide")
        if asked["kind"] != "question" and not identity.may("approval.decide"):
            raise Forbidden("deciding needs the permission approval.decide")
        if identity.user == asked["user_name"] and not asked["allow_self"] and not self._local:
            raise Forbidden("nobody approves a run that they started themselves")

    def _params(self, decision: Decision, asked: Row) -> dict[str, Any]:
        own = decision.identity.user == asked["user_name"]
        said = {
            "decided_by": decision.identity.user,
            "decision": decision.decision,
            "comment": decision.comment,
            "answer": decision.answer,
            "self_approval": own,
            "source": decision.source,
        }
        unit = {"id": decision.step_id, "item": decision.item, "uses": asked["kind"], "status": "waiting"}
        manner = " (self-approval, local mode)" if own and self._local and not asked["allow_self"] else ""
        manner = manner or (" (self-approval, allowed by the definition)" if own else "")
        return {
            "run_id": decision.id,
            "step_id": decision.step_id,
            "item": decision.item,
            "kind": asked["kind"],
            "round": asked["round"],
            "user": decision.identity.user,
            "decision": decision.decision,
            "plan_hash": decision.plan_hash,
            "comment": decision.comment,
            "answer": None if decision.answer is None else json.dumps(decision.answer),
            "self": own,
            "source": decision.source,
            "take": self._holders.free > 0,
            "actor": self._actor,
            "subject": _subject(decision),
            "audit": f"{decision.decision}{manner}: {decision.comment}",
            "payload": json.dumps({"decision": {**said, "at": now().isoformat()}, "step": unit}),
        }

    async def _audit(self, decision: Decision, outcome: str) -> None:
        await self._database.run(
            "audit",
            {
                "user": decision.identity.user,
                "action": "approval.decide",
                "subject": _subject(decision),
                "source": decision.source,
                "outcome": outcome,
            },
        )


def item_of(row: Row) -> ApprovalItem:
    return ApprovalItem(
        id=f"{row['run_id']}:{row['step_id']}:{row['item']}",
        workflow_id=row["run_id"],
        workflow=row["name"],
        requested_by=row["user_name"],
        status="pending" if row["outcome"] is None else "closed",
        **{name: row[name] for name in _SAME},
    )


_SAME = (
    "step_id",
    "item",
    "kind",
    "title",
    "message",
    "details",
    "options",
    "approvers",
    "quorum",
    "allow_self",
    "plan_hash",
    "plan",
    "requested_at",
    "expires_at",
    "on_expiry",
    "outcome",
    "decisions",
)


def _check_choice(decision: Decision, asked: Row) -> None:
    offered = CHOICES[asked["kind"]]
    if decision.decision not in offered:
        raise InvalidInput(f"this {asked['kind']} is decided by one of {', '.join(offered)}")
    try:
        size = len(storable.written([decision.answer, decision.comment]))
    except storable.NotStorable as error:
        raise InvalidInput(f"the answer {error}") from error
    if size > LARGEST_ANSWER_BYTES:
        raise InvalidInput(f"an answer has at most {LARGEST_ANSWER_BYTES >> 10} KB")
    if asked["kind"] == "question" and asked["options"] and decision.answer not in asked["options"]:
        raise InvalidInput(f"the answer is one of {', '.join(asked['options'])}")


def _refusal(verdict: str, decision: Decision) -> CopilotError | None:
    step = decision.step_id
    return {
        "second": Conflict(
            f"{decision.identity.user} has decided about {step} already: the first decision counts"
        ),
        "expired": Conflict(f"the time to decide about {step} has passed"),
        "closed": Conflict(f"{step} is decided already"),
        "changed": Conflict(f"what is to be approved at {step} is another plan than the one seen: look again"),
    }.get(verdict)


def _told(decision: Decision, params: dict[str, Any], row: Row) -> Told:
    payload = {**json.loads(params["payload"]), "status": row["status"]}
    return Told(decision.id, row["last_seq"], "approval.decided", row["at"], payload)


def _names(identity: Identity) -> list[str]:
    """The person and the roles that are named where a definition says who decides; a role has those below it."""
    highest = max(RANKS.index(role) for role in identity.roles)
    return [identity.user, *(f"role:{role}" for role in RANKS[: highest + 1])]


def _subject(decision: Decision) -> str:
    return f"{decision.id}:{decision.step_id}:{decision.item}"
