"""The workflow pool on real servers: in this process, or in children that can be killed and stopped."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from actors.platform.bus import Bus
from actors.platform.bus.nats import NatsTransport
from actors.platform.bus.transport import Transport
from actors.platform.config import Settings
from actors.platform.guard.fault_points import Fault
from actors.platform.pool.actor import Place
from actors.workflow.actor import WorkflowActor
from schemas.approvals import ApprovalItem, ApprovalList, Choice, Decision, DecisionTaken
from schemas.errors import Conflict, DeadlineExceeded, Unavailable
from schemas.identity import LOCAL_ADMINISTRATOR, Identity
from schemas.steps import ENDED, RunRef, StepState
from schemas.subjects import (
    CANCEL_RUN,
    DECIDE,
    GET_RUN,
    LIST_APPROVALS,
    PAUSE_RUN,
    RESUME_RUN,
    RUN_HISTORY,
    START_RUN,
)
from schemas.workflow import ControlRun, EventsAfter, Run, RunAccepted, RunChanged, RunEvent, StartRun
from tests.support.lab import TABLES, lab_actions
from tests.support.waiting import eventually
from tests.support.workflow_process import Child, child

ALICE = Identity(user="alice", roles=("operator",))
BOB = Identity(user="bob", roles=("approver",))
CAROL = Identity(user="carol", roles=("approver",))


@dataclass
class WorkflowStage:
    settings: Settings
    bus: Bus
    log: Path | None = None
    actors: list[WorkflowActor] = field(default_factory=list[WorkflowActor])
    children: list[Child] = field(default_factory=list[Child])
    pools: list[Any] = field(default_factory=list[Any])

    @classmethod
    async def set(
        cls, settings: Settings, *, lease: float = 1.0, log: Path | None = None, **limits: int
    ) -> WorkflowStage:
        """`lease` seconds, renewed four times as often; `limits` cap actions (`lab_keyed=2`)."""
        workflow = settings.workflow.model_copy(
            update={
                "lease_seconds": lease,
                "renew_seconds": lease / 4,
                "action_limits": {name.replace("_", ".", 1): cap for name, cap in limits.items()},
            }
        )
        settings = settings.model_copy(update={"workflow": workflow})
        with psycopg.connect(settings.database.url, autocommit=True) as connection:
            connection.execute(TABLES)
        bus = Bus(NatsTransport(settings.nats.url, "test"), "test")
        await bus.connect()
        await bus.ensure_streams()
        return cls(settings, bus, log)

    async def actor(self, slot: str = "workflow-0", transport: Transport | None = None) -> WorkflowActor:
        """In this process."""
        more, pool = lab_actions(self.settings.database.url)
        await pool.open()
        self.pools.append(pool)
        actor = WorkflowActor(Place("workflow", slot, self.settings), transport, more=more)
        await actor.start()
        self.actors.append(actor)
        return actor

    async def child(self, slot: str = "workflow-0", *faults: Fault) -> Child:
        """In a process of its own; returns once it serves, or has died of its faults."""
        made = child(self.settings, slot, faults, self.log)
        self.children.append(made)
        assert await made.serves() or faults, f"{slot} did not start"
        return made

    async def clear(self) -> None:
        for one in self.children:
            one.clear()
        for actor in self.actors:
            await actor.stop()
        for pool in self.pools:
            await pool.close()
        await self.bus.close()

    # --- asking ------------------------------------------------------------------------------------

    async def start(
        self,
        definition: dict[str, Any],
        input: dict[str, Any] | None = None,
        *,
        who: Identity = ALICE,
        **more: Any,
    ) -> RunAccepted:
        asked = StartRun(identity=who, definition=definition, input=input or {}, **more)
        return await self.bus.request(START_RUN, asked, patience=10.0, seconds=30.0)

    async def begin(self, definition: dict[str, Any], who: Identity = ALICE) -> str:
        """Starts a run whose actor may die before it has answered; the id."""
        asked = StartRun(identity=who, definition=definition)
        with suppress(DeadlineExceeded, Unavailable):
            await self.bus.request(START_RUN, asked, seconds=0.5, once=True)

        async def look() -> str | None:
            found = self.rows("SELECT id FROM run ORDER BY created_at DESC LIMIT 1")
            return found[0]["id"] if found else None

        return await eventually(look) or ""

    async def get(self, run_id: str) -> Run:
        return await self.bus.request(
            GET_RUN, RunRef(identity=LOCAL_ADMINISTRATOR, id=run_id), patience=10.0, seconds=30.0
        )

    async def ended(self, run_id: str, seconds: float = 20.0) -> Run:
        async def look() -> Run | None:
            state = self.rows("SELECT status FROM run WHERE id = %s", run_id)
            return await self.get(run_id) if state and state[0]["status"] in ENDED else None

        found = await eventually(look, seconds)
        assert found is not None
        return found

    async def history(self, run_id: str) -> list[RunEvent]:
        asked = EventsAfter(identity=LOCAL_ADMINISTRATOR, id=run_id)
        return list((await self.bus.request(RUN_HISTORY, asked, patience=10.0)).items)

    async def cancel(self, run_id: str, *, who: Identity = ALICE, compensate: bool = False) -> RunChanged:
        asked = ControlRun(identity=who, id=run_id, reason="enough", compensate=compensate)
        return await self.bus.request(CANCEL_RUN, asked, patience=10.0)

    async def try_cancel(self, run_id: str) -> bool:
        """Whether it was accepted."""
        try:
            await self.cancel(run_id)
        except Conflict:
            return False
        return True

    async def pause(self, run_id: str, *, who: Identity = ALICE) -> RunChanged:
        return await self.bus.request(PAUSE_RUN, ControlRun(identity=who, id=run_id), patience=10.0)

    async def resume(self, run_id: str, *, who: Identity = ALICE) -> RunChanged:
        return await self.bus.request(RESUME_RUN, ControlRun(identity=who, id=run_id), patience=10.0)

    async def asked(self, run_id: str, step: str | None = None, seconds: float = 20.0) -> ApprovalItem:
        """The question that the run puts, as soon as it does."""

        async def look() -> ApprovalItem | None:
            page = await self.bus.request(
                LIST_APPROVALS,
                ApprovalList(identity=LOCAL_ADMINISTRATOR, workflow_id=run_id),
                patience=10.0,
                seconds=2.0,
            )
            return next((item for item in page.items if step in (None, item.step_id)), None)

        found = await eventually(look, seconds)
        assert found is not None
        return found

    async def decide(
        self,
        item: ApprovalItem,
        decision: Choice,
        who: Identity = BOB,
        *,
        plan_hash: str | None = None,
        **more: Any,
    ) -> DecisionTaken:
        said = Decision(
            identity=who,
            id=item.workflow_id,
            step_id=item.step_id,
            item=item.item,
            decision=decision,
            plan_hash=plan_hash or item.plan_hash,
            **more,
        )
        return await self.bus.request(DECIDE, said, patience=10.0, seconds=4.0)

    # --- the store ---------------------------------------------------------------------------------

    def rows(self, query: str, *params: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.settings.database.url, row_factory=dict_row) as connection:
            return connection.execute(query, params).fetchall()  # type: ignore[call-overload]

    async def all_told(self) -> bool:
        return not self.rows("SELECT FROM event WHERE published_at IS NULL")

    def effects(self) -> dict[str, int]:
        """How often each key took effect, by what follows the run's id."""
        found = self.rows("SELECT key, count(*) AS times FROM lab_effect GROUP BY key")
        return {row["key"].split(":", 1)[1]: row["times"] for row in found}

    def calls(self) -> dict[str, int]:
        found = self.rows("SELECT key, count(*) AS times FROM lab_call GROUP BY key")
        return {row["key"].split(":", 1)[1]: row["times"] for row in found}


def steps(run: Run) -> dict[str, StepState]:
    """By id; elements of a `for_each` as `id[0]`."""
    return {state.id + (f"[{state.item}]" if state.item else ""): state for state in run.steps}


def story(events: list[RunEvent]) -> list[str]:
    """A history in words, without times and attempts: what a disturbed run must have in common with an
    undisturbed one."""
    told: list[str] = []
    for event in events:
        unit = f" {event.step.id}{f'[{event.step.item}]' if event.step.item else ''}" if event.step else ""
        output = event.step.output if event.step else None
        value = f" {output['value']}" if isinstance(output, dict) and "value" in output else ""
        told.append(f"{event.type}{unit}{value}")
    return told


def chain(length: int, uses: str = "lab.keyed", *, name: str = "chain", seconds: float = 0.0) -> dict[str, Any]:
    """s0 -> s1 -> …, each taking so long."""
    asks = {"seconds": seconds} if seconds else {}
    return {
        "name": name,
        "steps": [
            {
                "id": f"s{n}",
                "uses": uses,
                "needs": [f"s{n - 1}"] if n else [],
                "with": {} if uses == "core.noop" else {"value": n, **asks},
            }
            for n in range(length)
        ],
    }
