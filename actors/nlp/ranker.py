"""The classifier inside the actor: fitted in the background, asked in batches, renewed when the intents change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from actors.nlp.classifier import Classifier, Ranking
from actors.nlp.registry import Loaded, Registry, load
from actors.platform.config import Settings

log = structlog.get_logger(__name__)

MAX_BATCH = 32
WATCH_SECONDS = 5.0
"""Between two looks at the directory of users' own intents."""


class Ranker:
    """One batch is classified in a thread while the next one gathers; nobody waits for a timer: alone, a text
    starts at once."""

    def __init__(self, settings: Settings, load_intents: Callable[[Path | None], Loaded] = load) -> None:
        self._kept = settings.data_path / "nlp"
        self._own = Path(settings.nlp.intents_dir).expanduser() if settings.nlp.intents_dir else None
        self._load = load_intents
        self._problems: tuple[str, ...] = ()
        self._current: tuple[Registry, Classifier] | None = None
        self._waiting: asyncio.Queue[tuple[str, asyncio.Future[Ranking]]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def registry(self) -> Registry:
        """The intents that `rank` knows."""
        return self._ready[0]

    async def start(self) -> None:
        """Returns once texts can be ranked: at once with a kept classifier, after seconds without."""
        await self._renew()
        self._tasks = [asyncio.create_task(self._serve())]
        if self._own is not None:
            self._tasks.append(asyncio.create_task(self._watch()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def rank(self, text: str) -> Ranking:
        future: asyncio.Future[Ranking] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((text, future))
        return await future

    @property
    def _ready(self) -> tuple[Registry, Classifier]:
        if self._current is None:
            raise RuntimeError("rank before start")
        return self._current

    async def _serve(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MAX_BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._answer(batch)

    async def _answer(self, batch: list[tuple[str, asyncio.Future[Ranking]]]) -> None:
        try:
            rankings = await asyncio.to_thread(self._ready[1].rank, [text for text, _ in batch])
        except Exception as error:
            # Whatever it was: those who wait must hear of it, and the others be served.
            log.exception("nlp.ranking.failed", texts=len(batch))
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), ranking in zip(batch, rankings, strict=True):
            if not future.done():
                future.set_result(ranking)

    # --- users' own intents ------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                await self._renew()
            except Exception:
                # The intents known so far hold on; the next look may find better files.
                log.exception("nlp.intents.failed")

    async def _renew(self) -> None:
        loaded = await asyncio.to_thread(self._load, self._own)
        if loaded.problems != self._problems:
            for problem in loaded.problems:
                log.error("nlp.intents.left_out", problem=problem)
            self._problems = loaded.problems
        if self._current is not None and loaded.registry.digest == self._current[0].digest:
            return
        classifier = await asyncio.to_thread(Classifier.load_or_fit, loaded.registry.examples, self._kept)
        self._current = (loaded.registry, classifier)
        log.info("nlp.intents.loaded", intents=len(loaded.registry.intents))
