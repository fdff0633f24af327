"""Actions of the adapters pool, asked for over the bus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actors.platform.bus import Bus
from actors.workflow.actions.port import Call, Happened
from schemas.adapters import Action, ActionClass, Command
from schemas.identity import Permission
from schemas.subjects import ACT, PROBE

PATIENCE_SECONDS = 5.0  # nobody serves it: a restarted actor is back by then
PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class AdapterAction:
    bus: Bus
    action: Action[Any, Any]

    @property
    def effect(self) -> ActionClass:
        return self.action.effect

    @property
    def permission(self) -> Permission:
        return self.action.permission

    @property
    def interruptible(self) -> bool:
        """What was asked for over the bus goes on over there; only of a `pure` one does nobody mind."""
        return self.action.effect == "pure"

    async def run(self, call: Call) -> Any:
        outcome = await self.bus.request(
            ACT,
            _command(call),
            seconds=call.seconds or self.action.deadline_seconds,
            patience=PATIENCE_SECONDS,
            once=self.action.effect not in ("pure", "keyed"),
            module=self.action.module,
            action=self.action.name,
        )
        evidence = [item.model_dump(mode="json") for item in outcome.evidence]
        return {**outcome.output, "evidence": evidence} if evidence else outcome.output

    async def probe(self, call: Call) -> Happened | None:
        found = await self.bus.request(
            PROBE,
            _command(call),
            seconds=PROBE_SECONDS,
            patience=PATIENCE_SECONDS,
            module=self.action.module,
            action=self.action.name,
        )
        return Happened(found.output) if found.happened else None


def _command(call: Call) -> Command:
    return Command(identity=call.identity, input=call.input, effect_key=call.effect_key)
