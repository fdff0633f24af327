"""The models: language models of whatever provider is configured, for the few things that they decide."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from actors.adapters.deadline import time_left
from actors.adapters.models.budget import Budget
from actors.adapters.models.choice import chosen, messages, schema
from actors.adapters.models.completion import Completed, Completion
from actors.adapters.port import Answer, Call, Offer, Wiring
from actors.platform.guard.breaker import Breaker
from schemas.adapters import CHOOSE_INTENT, BackendState, ChosenIntent, IntentChoice
from schemas.errors import BackendUnavailable

FAILURES = 3
OPEN_SECONDS = 30.0


class ModelsModule:
    """A `Module`. Who asks it must do without: it raises BackendUnavailable for whatever goes wrong."""

    def __init__(self, wiring: Wiring) -> None:
        self.name: Final = "models"
        self._settings = wiring.settings.llm
        self._completion = Completion(self._settings)
        self._budget = Budget(self._settings.budget_usd_per_day, wiring.settings.redis.url)
        self._breaker = Breaker(FAILURES, OPEN_SECONDS)
        self._loading = asyncio.create_task(self._completion.load())  # ahead of the first question
        self.offers: Final[tuple[Offer[Any, Any], ...]] = (Offer(CHOOSE_INTENT, self.choose_intent),)

    async def states(self) -> tuple[BackendState, ...]:
        """What is known from the calls; nobody pays for a probe."""
        if self._breaker.state == "closed":
            return (BackendState(name="llm", status="up"),)
        message = f"failed {FAILURES} times in a row; asked again in {self._breaker.remaining:.0f} s"
        return (BackendState(name="llm", status="down", message=message),)

    async def close(self) -> None:
        self._loading.cancel()
        await asyncio.gather(self._loading, return_exceptions=True)
        await self._budget.close()

    async def choose_intent(self, asked: IntentChoice, call: Call) -> Answer[ChosenIntent]:
        completed = await self._asked(asked)
        try:
            name = chosen(completed.text, asked)
        except ValueError as error:
            self._breaker.failed()
            raise BackendUnavailable(str(error)) from error
        self._breaker.succeeded()
        return Answer(ChosenIntent(intent=name, usage=completed.usage))

    async def _asked(self, asked: IntentChoice) -> Completed:
        if not await self._budget.left():
            raise BackendUnavailable("the models' budget of today is spent")
        if not self._breaker.admits():
            raise BackendUnavailable(
                f"the models have failed and are asked again in {self._breaker.remaining:.0f} s"
            )
        try:
            completed = await self._completion.ask(
                messages(asked), schema(asked), time_left(self._settings.timeout_seconds)
            )
        except BackendUnavailable:
            self._breaker.failed()
            raise
        except BaseException:
            self._breaker.withdrawn()
            raise
        await self._budget.spend(completed.usage.cost_usd)
        return completed
