"""Asking the pools: the bus, with what it raises put into the error tree."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel

from actors.platform.bus import Bus
from actors.platform.bus.nats import CONNECT_ERRORS
from actors.platform.bus.transport import NoAnswer, NobodyListens
from schemas.errors import Unavailable
from schemas.subjects import Request

AnswersT = TypeVar("AnswersT", bound=BaseModel)
BUS_ERRORS = (*CONNECT_ERRORS, NoAnswer, NobodyListens)


class Pools:
    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    async def ask(
        self,
        request: Request[Any, AnswersT],
        payload: BaseModel,
        *,
        authorization: str | None = None,
        seconds: float = 10.0,
        id: str | None = None,
        source: str | None = None,
        tell: str | None = None,
        **parts: str,
    ) -> AnswersT:
        """Raises Unavailable at once while the bus is lost or nobody serves, and what the pool itself names."""
        if not self.bus.connected:
            raise Unavailable("the connection to the bus is lost at the moment", after=1.0)
        try:
            return await self.bus.request(
                request,
                payload,
                seconds=seconds,
                patience=0.0,
                once=False,
                id=id,
                source=source,
                authorization=authorization,
                tell=tell,
                **parts,
            )
        except BUS_ERRORS as error:
            raise Unavailable("the bus did not carry the request", after=1.0) from error
