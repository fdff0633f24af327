"""What the stream has lost is put together again: every number once, and the same text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import lost_events
from schemas.conversation import Message, ReplyEvent, TurnOutcome, TurnRef
from schemas.errors import Internal, NotFound
from schemas.nlp import Intent
from tests.contract.fakes import evidence

TURN = TurnRef(owner="o", session_id="s", turn_id="t")


def message(text: str, shown: int) -> Message:
    return Message(
        id="m",
        session_id="s",
        turn_id="t",
        content=text,
        intent=Intent(name="metric_query", confidence=1.0),
        evidence=(evidence(),) * shown,
        latency_ms=1,
        created_at=datetime.now(UTC),
    )


def text_of(events: tuple[ReplyEvent, ...]) -> str:
    """As a reader shows it."""
    shown = ""
    for event in events:
        if event.type == "reply.restarted":
            shown = ""
        elif event.type == "reply.chunk":
            shown += event.chunk
    return shown


@given(st.text(max_size=50), st.integers(0, 3), st.integers(1, 12), st.integers(0, 12))
def test_every_number_comes_once_and_the_text_is_whole(text: str, shown: int, events: int, following: int) -> None:
    outcome = TurnOutcome(state="done", events=events, message=message(text, shown))
    made = lost_events.closed(TURN, outcome, following)
    assert [event.sequence for event in made] == list(range(following, max(events, following + 1)))
    assert [event.type for event in made].count("reply.completed") == 1
    assert made[-1].type == "reply.completed"
    pieces = [event for event in made if event.type == "reply.chunk"]
    assert text_of(made) == (text if pieces else "")


def test_the_whole_reply_is_as_it_was() -> None:
    outcome = TurnOutcome(state="done", events=5, message=message("all is well", 2))
    kinds = [event.type for event in lost_events.closed(TURN, outcome, 0)]
    assert kinds == ["reply.started", "reply.evidence", "reply.evidence", "reply.chunk", "reply.completed"]


def test_of_a_failed_turn_only_the_end_is_known() -> None:
    outcome = TurnOutcome(state="failed", events=3, problem=Internal("no").problem())
    made = lost_events.closed(TURN, outcome, 1)
    assert [(event.sequence, event.type) for event in made] == [(1, "reply.restarted"), (2, "reply.failed")]


def test_without_a_stored_reply_there_is_nothing_to_tell() -> None:
    with pytest.raises(NotFound):
        lost_events.closed(TURN, TurnOutcome(state="done", events=3), 0)
