"""Every module of the adapters pool. A new one is a line here."""

from __future__ import annotations

from actors.adapters.observatory.module import ObservatoryModule
from actors.adapters.orchestrator.module import OrchestratorModule
from actors.adapters.port import ModuleFactory

MODULES: tuple[ModuleFactory, ...] = (ObservatoryModule, OrchestratorModule)
