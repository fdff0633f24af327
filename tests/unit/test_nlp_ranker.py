"""The classifier inside the actor: batches, and intents that come and go while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import yaml

from actors.nlp import ranker as module
from actors.nlp.classifier import Classifier, Ranking
from actors.nlp.ranker import MAX_BATCH, Ranker
from actors.nlp.registry import IntentDefinition, Loaded, Registry
from actors.nlp.registry import load as load_all
from actors.platform.config import Settings, load
from tests.support.waiting import eventually

COFFEE = ["the kettle is empty", "who drank my coffee", "brew a pot", "coffee please", "is there coffee left"]
SHIPPED = {
    "deploy": ["deploy payment", "ship the new version", "roll out search 2.1", "put cart 3 on staging"],
    "scale": ["scale payment to 3", "add two replicas", "fewer pods for search", "double the workers"],
}


def few(directory: Path | None) -> Loaded:
    """Two small intents, and what the directory adds: fitted in no time."""
    loaded = load_all(directory)
    own = [intent for intent in loaded.registry.intents if intent.group == "own"]
    small = [
        IntentDefinition(name, "operations", "", "workflows.run", name, (), (), tuple(texts))
        for name, texts in SHIPPED.items()
    ]
    return Loaded(Registry((*small, *own)), loaded.problems)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    directory = tmp_path / "intents"
    directory.mkdir()
    return directory


@pytest.fixture
def settings(tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("COPILOT_NLP__CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setenv("COPILOT_NLP__INTENTS_DIR", str(own))
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.02)
    return load()


@pytest.fixture
async def ranker(settings: Settings) -> AsyncIterator[Ranker]:
    ranker = Ranker(settings, few)
    await ranker.start()
    yield ranker
    await ranker.stop()


def add(directory: Path, name: str = "coffee", **entry: object) -> Path:
    path = directory / f"{name}.yaml"
    partial = path.with_suffix(".partial")
    partial.write_text(yaml.safe_dump({"name": name, "examples": COFFEE, "template": "Yes.", **entry}))
    return partial.replace(path)


async def test_who_asks_at_the_same_time_shares_a_batch(ranker: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    original = Classifier.rank

    def counted(self: Classifier, texts: Sequence[str]) -> list[Ranking]:
        sizes.append(len(texts))
        return original(self, texts)

    monkeypatch.setattr(Classifier, "rank", counted)
    texts = ["scale payment to 7 replicas", "deploy payment now"] * MAX_BATCH
    rankings = await asyncio.gather(*(ranker.rank(text) for text in texts))
    assert [ranking.name for ranking in rankings] == ["scale", "deploy"] * MAX_BATCH
    assert sum(sizes) == len(texts)
    assert max(sizes) == MAX_BATCH
    sizes.clear()
    await ranker.rank("deploy payment now")
    assert sizes == [1]  # alone: it waits for nobody


async def test_a_failure_reaches_those_who_wait_and_no_one_else(
    ranker: Ranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Classifier, texts: Sequence[str]) -> list[Ranking]:
        raise MemoryError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(Classifier, "rank", broken)
        with pytest.raises(MemoryError):
            await ranker.rank("deploy payment")
    assert (await ranker.rank("deploy payment")).name == "deploy"


async def test_who_gave_up_holds_nobody_up(ranker: Ranker) -> None:
    gone = asyncio.create_task(ranker.rank("deploy payment"))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await ranker.rank("scale payment to 3")).name == "scale"


async def test_a_new_intent_is_taken_up_and_an_old_one_let_go(ranker: Ranker, own: Path) -> None:
    path = add(own)

    async def known() -> bool:
        return (await ranker.rank("please brew some coffee")).name == "coffee"

    async def forgotten() -> bool:
        return "coffee" not in ranker.registry.names

    await eventually(known)
    assert ranker.registry["coffee"].template == "Yes."
    path.unlink()
    await eventually(forgotten)


async def test_a_mistake_leaves_what_works_alone(ranker: Ranker, own: Path) -> None:
    add(own)

    async def coffee() -> bool:
        return "coffee" in ranker.registry.names

    async def tea() -> bool:
        return "tea" in ranker.registry.names

    await eventually(coffee)
    add(own, "broken", examples=[])
    add(own, "tea", examples=[f"tea number {name} please" for name in ("one", "two", "three", "four", "five")])
    await eventually(tea)
    assert await coffee()
    assert "broken" not in ranker.registry.names


async def test_a_changed_answer_alone_needs_no_new_fit(ranker: Ranker, own: Path, tmp_path: Path) -> None:
    add(own)

    async def answered() -> bool:
        return "coffee" in ranker.registry.names and ranker.registry["coffee"].template == "No."

    async def coffee() -> bool:
        return "coffee" in ranker.registry.names

    await eventually(coffee)
    fitted = set((tmp_path / "kept").glob("*.npz"))
    add(own, template="No.")
    await eventually(answered)
    assert set((tmp_path / "kept").glob("*.npz")) == fitted


async def test_a_second_actor_finds_it_fitted(ranker: Ranker, settings: Settings, tmp_path: Path) -> None:
    fitted = set((tmp_path / "kept").glob("*.npz"))
    second = Ranker(settings, few)
    await second.start()
    assert (await second.rank("deploy payment")).name == "deploy"
    assert set((tmp_path / "kept").glob("*.npz")) == fitted
    await second.stop()
