"""How an attempt ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.errors import CopilotError


@dataclass(frozen=True, slots=True)
class Succeeded:
    output: Any


@dataclass(frozen=True, slots=True)
class WaitsForRun:
    """A sub-workflow has been started."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Failed:
    """`unknown`: whether the effect has happened cannot be told, and a person must say."""

    error: CopilotError
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The attempt was ended because the run was cancelled."""


Result = Succeeded | WaitsForRun | Failed | Interrupted
