"""The workflow pool: accepts runs, holds those that move, decides, tells."""

from __future__ import annotations

import asyncio
from pathlib import Path

from actors.platform.bus.transport import Transport
from actors.platform.lease import QUERIES, Lease
from actors.platform.pool.actor import Place, PoolActor
from actors.platform.store import Database, GroupCommit
from actors.workflow.actions import asks
from actors.workflow.actions.outside import Outside
from actors.workflow.actions.port import Call
from actors.workflow.actions.registry import Actions, Entry
from actors.workflow.approvals import Approvals
from actors.workflow.control import Control
from actors.workflow.definitions import Definitions
from actors.workflow.holders import Holders
from actors.workflow.keeper import Keeper, Tools
from actors.workflow.ledger import Ledger
from actors.workflow.moves import Moves
from actors.workflow.orphans import Orphans
from actors.workflow.outbox import Outbox
from actors.workflow.shelf import Shelf
from actors.workflow.slots import Slots
from actors.workflow.starting import Starting
from actors.workflow.state import Held
from actors.workflow.views import Views
from schemas.adapters import BackendState
from schemas.subjects import (
    CANCEL_RUN,
    CHECK_DEFINITION,
    DECIDE,
    GET_RUN,
    LIST_APPROVALS,
    LIST_RUNS,
    LIST_TEMPLATES,
    PAUSE_RUN,
    RESUME_RUN,
    RUN_HISTORY,
    RUN_WAKE,
    START_RUN,
)


def _old_seconds(lease_seconds: float) -> float:
    """When an event that is not marked as told counts as left behind: several times what telling takes."""
    return max(0.3, lease_seconds / 10)


class WorkflowActor(PoolActor):
    """`more`: further actions by name, for tests and for modules of this pool."""

    def __init__(
        self, place: Place, transport: Transport | None = None, *, more: dict[str, Entry] | None = None
    ) -> None:
        super().__init__(place, transport)
        settings = place.settings.workflow
        database_settings = place.settings.database
        own = Path(__file__).with_name("queries.sql")
        self._database = Database(database_settings, own, self.telemetry, shared=(QUERIES,))
        self._starts = GroupCommit(self._database, "start_runs")
        self._advances = GroupCommit(self._database, "advance_runs")
        self._lease = Lease(
            self._database, place.slot, seconds=settings.lease_seconds, renew_seconds=settings.renew_seconds
        )
        actor = self._lease.actor
        self._outside = Outside(settings)
        actions = Actions(self.bus, self._start_child, {**self._outside.entries, **(more or {})})
        definitions = Definitions(self._database, actions)
        self._shelf = Shelf(actions.asks)
        self._holders = Holders(self._database, self.bus, actor, self._keeper, self.telemetry)
        self._outbox = Outbox(self.bus, self._database, self._wake_parent, _old_seconds(settings.lease_seconds))
        self._control = Control(self._database, self._holders, self._outbox, actor)
        self._orphans = Orphans(self._database, self._control.cancel_orphan)
        self._starting = Starting(self._starts, definitions, actions, self._shelf.trees, self._holders, actor)
        self._approvals = Approvals(
            self._database, definitions, self._holders, self._outbox, actor, place.settings.auth
        )
        self._views = Views(self._database, definitions, self._approvals)
        self._tools = Tools(
            ledger=Ledger(self._database, self._advances, actor),
            definitions=definitions,
            actions=actions,
            effects=actions.effects,
            moves=Moves(settings.action_limits),
            lease=self._lease,
            slots=Slots(self._database, actor, settings.action_limits),
            outbox=self._outbox,
            orphans=self._orphans,
        )

    async def open(self) -> None:
        await self._database.open()
        await self.bus.ensure_streams()
        self._starts.start()
        self._advances.start()
        await self._lease.start()
        self._outbox.start()
        self._orphans.start()
        self._holders.watch.start()
        await self.bus.subscribe(RUN_WAKE, self._holders.woken, subject=RUN_WAKE.subject())
        await self.bus.serve(CHECK_DEFINITION, self._starting.check)
        await self.bus.serve(START_RUN, self._starting.start)
        await self.bus.serve(GET_RUN, self._views.get)
        await self.bus.serve(LIST_RUNS, self._views.several)
        await self.bus.serve(RUN_HISTORY, self._views.history)
        await self.bus.serve(CANCEL_RUN, self._control.cancel)
        await self.bus.serve(PAUSE_RUN, self._control.pause)
        await self.bus.serve(RESUME_RUN, self._control.resume)
        await self.bus.serve(DECIDE, self._approvals.decide)
        await self.bus.serve(LIST_APPROVALS, self._approvals.several)
        await self.bus.serve(LIST_TEMPLATES, self._shelf.several)

    async def close(self) -> None:
        await self._holders.stop(self.settings.server.drain_seconds)
        await asyncio.gather(self._orphans.stop(), self._outbox.stop())
        await asyncio.gather(self._starts.stop(), self._advances.stop())
        await self._lease.release()
        await self._outside.close()
        await self._database.close()

    async def dependencies(self) -> tuple[BackendState, ...]:
        return (await self._database.state(),)

    def _keeper(self, run_id: str, epoch: int, fresh: Held | None) -> Keeper:
        return Keeper(self._tools, run_id, epoch, fresh)

    async def _start_child(self, asked: asks.SubWorkflow, call: Call) -> str:
        return await self._starting.child(asked, call)

    async def _wake_parent(self, run_id: str) -> None:
        for row in await self._database.all("signal_run", {"run_id": run_id}):
            await self._holders.heard(run_id, row["actor"], row["epoch"])
