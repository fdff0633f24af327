"""Every backend of the orchestrator, by the name that `[orchestrator] backend` gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actors.adapters.orchestrator.port import Orchestrator
from actors.adapters.orchestrator.shop import ShopOrchestrator
from actors.adapters.port import Wiring

BACKENDS: Mapping[str, Callable[[Wiring], Orchestrator]] = {"shop": ShopOrchestrator}
