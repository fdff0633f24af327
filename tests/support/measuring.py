"""The observatory's module by itself, to ask it plans."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from actors.adapters.meter import Meter
from actors.adapters.observatory.module import ObservatoryModule
from actors.adapters.port import Answer, Call, Wiring
from actors.platform.telemetry import Telemetry
from schemas.identity import LOCAL_ADMINISTRATOR
from schemas.measures import Measured, Translation
from schemas.plans import Plan
from tests.support.servers import settings_for

CALL = Call(LOCAL_ADMINISTRATOR)


@dataclass
class Asked:
    module: ObservatoryModule

    async def measure(self, plan: Plan) -> Answer[Measured]:
        return await self.module.measure(plan, CALL)

    async def translate(self, plan: Plan) -> Translation:
        return (await self.module.translate(plan, CALL)).output


@asynccontextmanager
async def observatory(directory: Path, url: str, **environment: str) -> AsyncGenerator[Asked]:
    settings = settings_for(directory, COPILOT_OBSERVATORY__PROMETHEUS_URL=url, **environment)
    async with aiohttp.ClientSession() as http:
        yield Asked(ObservatoryModule(Wiring(settings, http, Meter(Telemetry.silent("test")))))
