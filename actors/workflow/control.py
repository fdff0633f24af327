"""Cancel, pause and resume: a word that is stored first, and that the run's holder follows at its next edge."""

from __future__ import annotations

import json

from actors.platform.store import Database
from actors.platform.store.database import Row
from actors.workflow.holders import Holders
from actors.workflow.outbox import Outbox, Told
from actors.workflow.units import now
from schemas.envelope import Envelope
from schemas.errors import Conflict, Forbidden, NotFound
from schemas.identity import LOCAL_ADMINISTRATOR, Identity
from schemas.steps import ENDED
from schemas.workflow import ControlRun, RunChanged


class Control:
    def __init__(self, database: Database, holders: Holders, outbox: Outbox, actor: str) -> None:
        self._database = database
        self._holders = holders
        self._outbox = outbox
        self._actor = actor

    async def cancel(self, envelope: Envelope[ControlRun]) -> RunChanged:
        """Raises NotFound, Forbidden, Conflict for a run that has ended or is being taken back."""
        asked = envelope.data
        await self._permit(asked)
        row = await self._cancelled(asked, asked.identity)
        if row is None or (not row["changed"] and row["status"] in (*ENDED, "compensating")):
            raise Conflict(f"the run cannot be cancelled any more: it is {row['status'] if row else 'gone'}")
        return RunChanged(id=asked.id, status=row["status"])

    async def pause(self, envelope: Envelope[ControlRun]) -> RunChanged:
        """Paused already is no error. Raises NotFound, Forbidden, Conflict."""
        return await self._pause(envelope.data, pause=True)

    async def resume(self, envelope: Envelope[ControlRun]) -> RunChanged:
        """Not paused is no error. Raises NotFound, Forbidden, Conflict."""
        return await self._pause(envelope.data, pause=False)

    async def cancel_orphan(self, row: Row) -> None:
        """A run whose parent's step does not wait for it any more."""
        reason = "the step that started it does not wait for it any more"
        asked = ControlRun(identity=LOCAL_ADMINISTRATOR, id=row["id"], reason=reason, source="workflow")
        await self._cancelled(asked, Identity(user=row["user_name"], roles=("operator",)))

    async def _cancelled(self, asked: ControlRun, who: Identity) -> Row | None:
        params = {
            **self._params(asked, who),
            "cancel": json.dumps({"by": who.user, "reason": asked.reason, "compensate": asked.compensate}),
        }
        rows = (await self._database.batch([("lock_run", params), ("cancel_run", params)]))[1]
        if rows and rows[0]["changed"]:
            payload = {"status": rows[0]["status"], "message": asked.reason}
            self._outbox.add([Told(asked.id, rows[0]["last_seq"], "run.cancelling", now(), payload)])
            await self._holders.heard(asked.id, rows[0]["actor"], rows[0]["epoch"])
        return rows[0] if rows else None

    async def _pause(self, asked: ControlRun, *, pause: bool) -> RunChanged:
        await self._permit(asked)
        params = {**self._params(asked, asked.identity), "pause": pause}
        row = (await self._database.batch([("lock_run", params), ("pause_run", params)]))[1][0]
        if row["changed"]:
            await self._holders.heard(asked.id, row["actor"], row["epoch"])
        elif row["pausing"] != pause or row["status"] in ENDED:
            verb = "paused" if pause else "resumed"
            raise Conflict(f"the run cannot be {verb}: it is {row['status']}")
        return RunChanged(id=asked.id, status=row["status"])

    async def _permit(self, asked: ControlRun) -> None:
        """One's own runs, or anybody's for whom may steer them. What one may not see does not exist."""
        row = await self._database.one("run_view", {"run_id": asked.id})
        mine = row is not None and row["owner"] == asked.identity.owner
        if row is None or not (mine or asked.identity.may("workflow.any")):
            raise NotFound(f"there is no run {asked.id} of yours")
        if not (mine and asked.identity.may("workflow.start")) and not asked.identity.may("workflow.steer"):
            raise Forbidden("steering this run needs the permission workflow.steer")

    def _params(self, asked: ControlRun, who: Identity) -> dict[str, object]:
        return {
            "run_id": asked.id,
            "user": who.user,
            "source": asked.source,
            "message": asked.reason.replace("\0", "�"),
            "take": self._holders.free > 0,
            "actor": self._actor,
        }
