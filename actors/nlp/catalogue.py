"""The services that exist, fetched over the bus in the background and kept while the source is away."""

from __future__ import annotations

import asyncio

import structlog
from pydantic import ValidationError

from actors.platform.bus import Bus
from actors.platform.config import Settings
from schemas.adapters import CATALOGUE, Catalogue, Command, Degraded
from schemas.errors import CopilotError
from schemas.identity import Identity
from schemas.subjects import ACT

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS = 1.5
RETRY_SECONDS = 0.5
"""Until the first catalogue is there."""
INTERNAL = Identity(user="nlp", roles=("viewer",))
"""Reads what every caller may read: the names of the services are no secret between users."""


class CatalogueWatch:
    """Before the first answer, and where there is none, it is what the configuration names, marked degraded."""

    def __init__(self, bus: Bus, settings: Settings) -> None:
        self._bus = bus
        self._ttl = settings.observatory.catalogue_ttl_seconds
        self._current = Catalogue(
            services=settings.catalogue.services,
            environments=settings.catalogue.environments,
            depends_on=settings.catalogue.depends_on,
            degraded=(
                Degraded(part="catalogue", reason="not fetched yet: only the configured services are known"),
            ),
        )
        self._fetched = asyncio.Event()
        self._waited = False
        self._answered = True
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def current(self) -> Catalogue:
        """The latest. Only the first caller waits, and only for the first catalogue."""
        if not self._fetched.is_set() and not self._waited:
            try:
                async with asyncio.timeout(FIRST_WAIT_SECONDS):
                    await self._fetched.wait()
            except TimeoutError:
                log.warning("nlp.catalogue.missing", waited_seconds=FIRST_WAIT_SECONDS)
            self._waited = True
        return self._current

    async def _run(self) -> None:
        while True:
            await self._refresh()
            await asyncio.sleep(self._ttl if self._fetched.is_set() else min(RETRY_SECONDS, self._ttl))

    async def _refresh(self) -> None:
        try:
            fetched = await self._fetch()
        except (CopilotError, ValidationError) as error:
            if self._answered:  # said once for each time away
                log.warning("nlp.catalogue.away", error=str(error))
            self._answered = False
            return
        except Exception:
            # A broken connection shows in many ways; whatever it was, the watch must go on.
            log.exception("nlp.catalogue.failed")
            return
        self._answered = True
        if fetched.degraded and self._fetched.is_set() and not self._current.degraded:
            return  # the backend behind the catalogue is away: what was known holds on
        self._current = fetched
        self._fetched.set()

    async def _fetch(self) -> Catalogue:
        outcome = await self._bus.request(
            ACT,
            Command(identity=INTERNAL, input={}),
            seconds=CATALOGUE.deadline_seconds,
            module=CATALOGUE.module,
            action=CATALOGUE.name,
        )
        catalogue = Catalogue.model_validate(outcome.output)
        return catalogue.model_copy(update={"degraded": (*catalogue.degraded, *outcome.degraded)})
