"""`core.check`: a step that fails when something does not hold, so that what follows does not happen."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from actors.workflow.actions.engine import Inside, parsed
from actors.workflow.actions.port import Call
from schemas.errors import Conflict


class CheckAsks(BaseModel):
    """`message` says what is wrong when `that` is false; it may show the values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    that: StrictBool
    message: str = Field(min_length=1, max_length=2_000)


class CheckAction(Inside):
    async def run(self, call: Call) -> Any:
        asked = parsed(CheckAsks, call.input)
        if not asked.that:
            raise Conflict(asked.message)
        return {"that": True}
