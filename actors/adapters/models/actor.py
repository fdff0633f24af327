"""The models' own processes: litellm is heavy, and nobody else should carry it."""

from __future__ import annotations

from actors.adapters.actor import AdaptersActor
from actors.adapters.models.module import ModelsModule
from actors.platform.bus.transport import Transport
from actors.platform.pool.actor import Place


class ModelsActor(AdaptersActor):
    def __init__(self, place: Place, transport: Transport | None = None) -> None:
        super().__init__(place, transport, modules=(ModelsModule,))
