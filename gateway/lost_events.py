"""Events that the stream has lost, put together again from what is stored.

The stream may lose what it has acknowledged together with its server's power, and keeps the rest for an hour; the
stored reply stays. A reader still gets every number once, and the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from schemas.conversation import (
    Message,
    ReplyChunk,
    ReplyCompleted,
    ReplyEvent,
    ReplyEvidence,
    ReplyFailed,
    ReplyRestarted,
    ReplyStarted,
    TurnOutcome,
    TurnRef,
)
from schemas.errors import NotFound

REASON = "events were lost with the bus"
Made = Callable[[int], ReplyEvent]


def closed(turn: TurnRef, outcome: TurnOutcome, following: int) -> tuple[ReplyEvent, ...]:
    """The events of a closed turn from number `following` to the last. Raises NotFound where no reply is kept."""
    last = max(outcome.events - 1, following)
    ids: dict[str, Any] = {"session_id": turn.session_id, "turn_id": turn.turn_id}
    if outcome.message is not None:
        final: ReplyEvent = ReplyCompleted(**ids, sequence=last, message=outcome.message)
    elif outcome.problem is not None:
        final = ReplyFailed(**ids, sequence=last, problem=outcome.problem)
    else:
        raise NotFound("the reply of this turn is not kept any more")
    return (*between(turn, following, last, outcome.message), final)


def between(turn: TurnRef, first: int, end: int, message: Message | None = None) -> tuple[ReplyEvent, ...]:
    """Events for the numbers from `first` to below `end`. What the reader has been shown cannot be known: it is
    withdrawn, and shown again where the whole reply is at hand."""
    ids: dict[str, Any] = {"session_id": turn.session_id, "turn_id": turn.turn_id}

    def withdrawn(number: int) -> ReplyEvent:
        return ReplyRestarted(**ids, sequence=number, reason=REASON)

    if message is None or end <= first:
        return tuple(withdrawn(number) for number in range(first, end))
    opening = _opening(ids, message) if first == 0 else [withdrawn]
    rest = max(0, end - first - len(opening))
    made = [*opening, *_spoken(ids, message.content, rest)][: end - first]
    return tuple(make(first + at) for at, make in enumerate(made))


def _opening(ids: dict[str, Any], message: Message) -> list[Made]:
    def started(number: int) -> ReplyEvent:
        return ReplyStarted(**ids, sequence=number, intent=message.intent, entities=message.entities)

    return [started, *(_shown(ids, at, message) for at in range(len(message.evidence)))]


def _shown(ids: dict[str, Any], at: int, message: Message) -> Made:
    return lambda number: ReplyEvidence(**ids, sequence=number, evidence=message.evidence[at])


def _spoken(ids: dict[str, Any], text: str, pieces: int) -> Iterator[Made]:
    """The text in so many pieces; their concatenation is the text."""
    for piece in range(pieces):
        part = text[len(text) * piece // pieces : len(text) * (piece + 1) // pieces]
        yield lambda number, part=part: ReplyChunk(**ids, sequence=number, chunk=part)
