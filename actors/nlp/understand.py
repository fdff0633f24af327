"""From an utterance to plans, in two pure steps around the classifier: what is named and how the message falls
into requests, then what each one means in its conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actors.nlp.classifier import OUT_OF_SCOPE, Ranking
from actors.nlp.clause import clause
from actors.nlp.clauses import Piece, pieces
from actors.nlp.dialogue.reading import Situation
from actors.nlp.entities import find
from actors.nlp.registry import Registry
from actors.nlp.requests import Part, read, together
from actors.nlp.times import Calendar, Window, calendar_for
from schemas.adapters import Catalogue
from schemas.context import WorkingMemory
from schemas.nlp import Understanding, Utterance

Rank = Callable[[Sequence[str]], Sequence[Ranking]]


@dataclass(frozen=True, slots=True)
class Draft:
    utterance: Utterance
    catalogue: Catalogue
    calendar: Calendar
    whole: Piece
    pieces: tuple[Piece, ...]
    """The requests that the message seems to hold; one is `whole`."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What the classifier is asked for: the message, then its pieces where there are several."""
        several = self.pieces if len(self.pieces) > 1 else ()
        return (self.whole.clause.request, *(piece.clause.request for piece in several))


def draft(utterance: Utterance, catalogue: Catalogue) -> Draft:
    """Raises InvalidInput for a time zone or an `as_of` that cannot be worked with."""
    memory = utterance.memory
    calendar = calendar_for(utterance.as_of, utterance.timezone, _earlier(memory))
    found = find(utterance.text, calendar, catalogue)
    several = pieces(utterance.text, found, offered=memory.offer is not None)
    whole = several[0] if len(several) == 1 else Piece(clause(utterance.text, found))
    return Draft(utterance, catalogue, calendar, whole, several)


def conclude(of: Draft, rankings: Sequence[Ranking], registry: Registry) -> Understanding:
    """`rankings` belong to `of.texts`. Where `missing` is not empty, the plan is not complete and must not be
    run."""
    if len(rankings) > 1 and all(_is_request(ranking) for ranking in rankings[2:]):
        parts = _each(of, rankings[1:], registry)
        if _apart(parts):
            return together(parts)
    return together(_each(of, rankings[:1], registry, (of.whole,)))


def understand(utterance: Utterance, catalogue: Catalogue, registry: Registry, rank: Rank) -> Understanding:
    """Both steps at once."""
    seen = draft(utterance, catalogue)
    return conclude(seen, rank(seen.texts), registry)


def _earlier(memory: WorkingMemory) -> Window | None:
    window = memory.plan.range if memory.plan else None
    return Window(window.start, window.end) if window else None


def _each(
    of: Draft, rankings: Sequence[Ranking], registry: Registry, several: tuple[Piece, ...] | None = None
) -> tuple[Part, ...]:
    """One after another: a later request may go on with the one before it."""
    memory, parts = of.utterance.memory, list[Part]()
    for piece, ranking in zip(several or of.pieces, rankings, strict=True):
        here = Situation.of(piece.clause, memory, ranking, registry, of.catalogue, further=bool(parts))
        read_now = read(here, piece.condition, of.calendar)
        parts.extend(read_now)
        memory = read_now[-1].memory
    return tuple(parts)


def _is_request(ranking: Ranking) -> bool:
    return ranking.in_scope and ranking.name not in ("affirm", "deny", "help", OUT_OF_SCOPE)


def _apart(parts: tuple[Part, ...]) -> bool:
    """Several requests indeed, not one said in two sentences."""
    first = parts[0]
    return first.intent.name != OUT_OF_SCOPE and any(
        part.intent.name != first.intent.name or part.plan != first.plan for part in parts[1:]
    )
