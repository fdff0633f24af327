"""Dialogues run in this process: each turn understood with the memory that the turns before have left, and held
against its annotation.

A line of the file: `{"name", "kind", "as_of", "timezone", "turns": [{"text", "intent", "entities", "missing"?,
"parts"?, "shown"?, "offer"?}]}`. `shown` (the names that the answer lists) and `offer` (what it offers) come from
backends: the file supplies them.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from actors.nlp.entities import find
from actors.nlp.registry import Registry
from actors.nlp.times import calendar_for
from actors.nlp.understand import Rank, understand
from schemas.adapters import Catalogue
from schemas.context import Offer, Shown, WorkingMemory
from schemas.entities import Entity
from schemas.nlp import Understanding, Utterance
from schemas.plans import Plan, TimeRange

ABOUT_RUNS = frozenset(
    {
        "workflow_status",
        "workflow_start",
        "workflow_control",
        "approval_decide",
        "runbook_execute",
        "knowledge_query",
    }
)


class _Annotation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Named(_Annotation):
    type: str
    value: str
    resolved_from: str | None = None
    range: TimeRange | None = None


class ExpectedPart(_Annotation):
    intent: str
    entities: tuple[Named, ...] = ()
    condition: str | None = None


class Turn(_Annotation):
    text: str
    intent: str
    entities: tuple[Named, ...] = ()
    missing: tuple[str, ...] = ()
    parts: tuple[ExpectedPart, ...] = ()
    shown: tuple[str, ...] = ()
    offer: str | None = None


class Dialogue(_Annotation):
    name: str
    kind: str
    as_of: AwareDatetime
    timezone: str = "UTC"
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One turn; `wrong` names what differs, empty when the turn is entirely right."""

    dialogue: str
    kind: str
    number: int
    text: str
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    outcomes: tuple[Outcome, ...]

    @property
    def accuracy(self) -> float:
        """Share of the turns that are entirely right, 0 to 1."""
        return _share(not outcome.wrong for outcome in self.outcomes)

    @property
    def by_kind(self) -> dict[str, float]:
        kinds: defaultdict[str, list[bool]] = defaultdict(list)
        for outcome in self.outcomes:
            kinds[outcome.kind].append(not outcome.wrong)
        return {kind: _share(right) for kind, right in sorted(kinds.items())}

    @property
    def turns_by_kind(self) -> dict[str, int]:
        return dict(sorted(Counter(outcome.kind for outcome in self.outcomes).items()))

    @property
    def failures(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.wrong)


def read(path: Path) -> tuple[Dialogue, ...]:
    """Raises ValueError for a line that is no dialogue, naming it."""
    dialogues: list[Dialogue] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            try:
                dialogues.append(Dialogue.model_validate(json.loads(line)))
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {' '.join(str(error).split())}") from error
    return tuple(dialogues)


def score(dialogues: Iterable[Dialogue], catalogue: Catalogue, registry: Registry, rank: Rank) -> Report:
    return Report(
        tuple(outcome for dialogue in dialogues for outcome in _run(dialogue, catalogue, registry, rank))
    )


def _run(dialogue: Dialogue, catalogue: Catalogue, registry: Registry, rank: Rank) -> Iterator[Outcome]:
    memory = WorkingMemory()
    for number, turn in enumerate(dialogue.turns, 1):
        heard = Utterance(text=turn.text, as_of=dialogue.as_of, timezone=dialogue.timezone, memory=memory)
        meaning = understand(heard, catalogue, registry, rank)
        yield Outcome(dialogue.name, dialogue.kind, number, turn.text, tuple(_differences(turn, meaning)))
        memory = answered(meaning, turn, dialogue, catalogue)


def answered(meaning: Understanding, turn: Turn, dialogue: Dialogue, catalogue: Catalogue) -> WorkingMemory:
    """The memory with what the answer to the turn adds."""
    update: dict[str, Any] = {}
    if turn.shown:
        update["shown"] = Shown(type=_type_of(turn, dialogue, catalogue), names=turn.shown)
    if turn.offer:
        plan = meaning.memory.plan or Plan(intent=meaning.intent.name)
        text = f"Shall I go on with {turn.offer.replace('_', ' ')}?"
        update["offer"] = Offer(kind=turn.offer, plan=plan, text=text)
    return meaning.memory.model_copy(update=update)


def _type_of(turn: Turn, dialogue: Dialogue, catalogue: Catalogue) -> str:
    """What the listed things are: as whatever the first of them is found, else what such questions are about."""
    if set(turn.shown) <= set(catalogue.services):
        return "service"
    found = find(turn.shown[0], calendar_for(dialogue.as_of, dialogue.timezone), catalogue)
    for kind, parts in (
        ("incident_id", found.incident_ids),
        ("trace_id", found.trace_ids),
        ("pod", found.pods),
        ("endpoint", found.endpoints),
        ("version", found.versions),
        ("environment", found.environments),
        ("test_target", found.test_targets),
        ("host", found.hosts),
    ):
        if parts:
            return kind
    return "workflow" if turn.intent in ABOUT_RUNS else "service"


# --- comparing -------------------------------------------------------------------------------------


def _differences(turn: Turn, meaning: Understanding) -> Iterator[str]:
    if meaning.intent.name != turn.intent:
        yield f"intent {meaning.intent.name}, not {turn.intent}"
    yield from _entity_differences(turn.entities, meaning.entities)
    if set(meaning.missing) != set(turn.missing):
        yield f"missing {list(meaning.missing)}, not {list(turn.missing)}"
    if len(meaning.parts) != len(turn.parts):
        yield f"{len(meaning.parts)} further requests, not {len(turn.parts)}"
        return
    for expected, part in zip(turn.parts, meaning.parts, strict=True):
        if part.intent.name != expected.intent:
            yield f"part {part.intent.name}, not {expected.intent}"
        yield from _entity_differences(expected.entities, part.entities)
        if _plain(part.condition_text or "") != _plain(expected.condition or ""):
            yield f"condition {part.condition_text!r}, not {expected.condition!r}"


def _entity_differences(expected: tuple[Named, ...], found: tuple[Entity, ...]) -> Iterator[str]:
    wanted = Counter(_key(one.type, one.value, one.resolved_from) for one in expected)
    given = Counter(_key(one.type, one.value, one.resolved_from) for one in found)
    for key in wanted - given:
        yield f"lacks {_shown(key)}"
    for key in given - wanted:
        yield f"has {_shown(key)}"
    windows = {(one.type, _plain(one.value)): one.range for one in found}
    for one in expected:
        window = windows.get((one.type, _plain(one.value)))
        if one.range is not None and window is not None and window != one.range:
            yield f"{one.type} {one.value!r} is {window.start} to {window.end}"


Key = tuple[str, str, str | None]


def _key(kind: str, value: str, source: str | None) -> Key:
    return kind, _plain(value), source


def _plain(value: str) -> str:
    return re.sub(r"^(?:the|a|an)\s+", "", " ".join(value.lower().split()))


def _shown(key: Key) -> str:
    kind, value, source = key
    return f"{kind} {value!r}{' from history' if source else ''}"


def _share(right: Iterable[bool]) -> float:
    listed = list(right)
    return sum(listed) / len(listed) if listed else 0.0
