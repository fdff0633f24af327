"""Every action of every module of the adapters: what a step of a workflow may use. A module is a line here."""

from __future__ import annotations

from typing import Any

from schemas import adapters, orchestrator
from schemas.adapters import Action

ACTIONS: tuple[Action[Any, Any], ...] = (*adapters.ACTIONS, *orchestrator.ACTIONS)
