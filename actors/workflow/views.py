"""Runs as they are shown: the stored rows, in the order of the definition, with what has no row yet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from actors.platform.store import Database
from actors.platform.store.database import Row
from actors.workflow.approvals import Approvals
from actors.workflow.definition.plan import Plan
from actors.workflow.definitions import Definitions
from actors.workflow.pages import cursor, next_cursor
from schemas.approvals import ApprovalList
from schemas.envelope import Envelope
from schemas.errors import Forbidden, NotFound
from schemas.identity import Identity
from schemas.steps import ENDED, STEP_ENDED, RunRef, StepState, StepStatus
from schemas.workflow import EventsAfter, Run, RunEvent, RunEvents, RunList, RunPage, RunSummary

LARGEST_SHOWN_BYTES = 4 << 20
"""Of all outputs in one answer together; what comes after is left out, and said so."""


class Views:
    def __init__(self, database: Database, definitions: Definitions, approvals: Approvals) -> None:
        self._database = database
        self._definitions = definitions
        self._approvals = approvals

    async def get(self, envelope: Envelope[RunRef]) -> Run:
        asked = envelope.data
        row = await self._readable(asked.id, asked.identity)
        rows = await self._database.all("load_steps", {"run_id": asked.id})
        _, plan = await self._definitions.get(row["name"], row["version"])
        pending = ApprovalList(identity=asked.identity, workflow_id=asked.id)
        approvals = await self._approvals.several(Envelope("", "", "", pending, row["created_at"]))
        return Run(
            **_summary(row),
            input=row["inputs"],
            outputs=row["outputs"],
            steps=tuple(_steps(plan, rows, open_=row["status"] not in ENDED)),
            sequence=row["last_seq"],
            needs={id: node.needs for id, node in plan.graph.nodes.items()},
            approvals=approvals.items,
        )

    async def several(self, envelope: Envelope[RunList]) -> RunPage:
        asked = envelope.data
        if not asked.identity.may("workflow.read"):
            raise Forbidden("seeing workflows needs the permission workflow.read")
        at, id = cursor(asked.cursor, 2)
        rows = await self._database.all(
            "list_runs",
            {
                "owner": None if asked.identity.may("workflow.any") else asked.identity.owner,
                "status": asked.status,
                "name": asked.name,
                "session_id": asked.session_id,
                "before_at": at,
                "before_id": id,
                "limit": asked.limit + 1,
            },
        )
        shown = rows[: asked.limit]
        return RunPage(
            items=tuple(RunSummary(**_summary(row)) for row in shown),
            next_cursor=next_cursor(rows, asked.limit, ("created_at", "id")),
        )

    async def history(self, envelope: Envelope[EventsAfter]) -> RunEvents:
        asked = envelope.data
        row = await self._readable(asked.id, asked.identity)
        rows = await self._database.all(
            "history", {"run_id": asked.id, "after": asked.after, "limit": asked.limit}
        )
        items = tuple(_event(asked.id, one) for one in rows)
        last = items[-1].sequence if items else asked.after
        return RunEvents(items=items, ended=row["status"] in ENDED and last >= row["last_seq"])

    async def _readable(self, run_id: str, identity: Identity) -> Row:
        """Raises NotFound for another's run just as for none."""
        row = await self._database.one("run_view", {"run_id": run_id})
        if row is None or not (row["owner"] == identity.owner or identity.may("workflow.any")):
            raise NotFound(f"there is no run {run_id} of yours")
        return row


def _event(run_id: str, row: Row) -> RunEvent:
    head = {"workflow_id": run_id, "sequence": row["seq"], "type": row["type"], "at": row["at"]}
    return RunEvent(**head, **row["payload"])


def _summary(row: Row) -> dict[str, Any]:
    same = (
        "id", "name", "version", "status", "source", "steps_total", "steps_done", "error", "parent_id",
        "session_id", "created_at", "started_at", "finished_at", "deadline_at",
    )  # fmt: skip
    return {"user": row["user_name"], "description": row["description"] or "", **{key: row[key] for key in same}}


def _steps(plan: Plan, rows: list[Row], *, open_: bool) -> Iterator[StepState]:
    """Each step, and below it the elements of its `for_each`."""
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row["step_id"], {})[row["item"]] = row
    room = LARGEST_SHOWN_BYTES
    for id, step in plan.steps.items():
        units = found.get(id, {})
        if "" not in units:
            yield StepState(id=id, uses=step.uses, status=_unwritten(plan, id, found, open_=open_))
        for item in sorted(units, key=lambda item: int(item or -1)):
            size = len(json.dumps(units[item]["output"]))
            room -= size
            yield _state(step.uses, units[item], shown=room >= 0)


def _state(uses: str, row: Row, *, shown: bool) -> StepState:
    """A step that is taken back shows how that goes in `error`."""
    return StepState(
        id=row["step_id"],
        item=row["item"],
        uses=uses,
        status=row["status"],
        attempt=row["attempt"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        output=row["output"] if shown else None,
        output_omitted=not shown,
        error=row["undo_error"] or row["error"],
        workflow_id=row["child_id"],
        waits_for=_waits_for(uses, row),
    )


def _waits_for(uses: str, row: Row) -> str | None:
    if row["status"] != "waiting":
        return None
    if row["child_id"] is not None:
        return f"the run {row['child_id']}"
    at: datetime | None = row["wake_at"]
    if at is not None:
        return f"the next attempt at {at.isoformat()}" if row["error"] else at.isoformat()
    return {"core.approval": "an approval", "core.ask": "an answer"}.get(uses, "a word on whether it has happened")


def _unwritten(plan: Plan, id: str, found: Mapping[str, Mapping[str, Row]], *, open_: bool) -> StepStatus:
    """A step without a row: nothing of it has begun."""
    if not open_:
        return "cancelled"
    ended = (need in found and "" in found[need] and found[need][""]["status"] in STEP_ENDED
             for need in plan.graph.nodes[id].needs)  # fmt: skip
    return "ready" if all(ended) else "pending"
