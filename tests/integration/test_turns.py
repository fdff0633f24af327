"""Turns on real NATS and PostgreSQL: one owner, in order, one stored reply, whoever dies."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from actors.conversation import acceptance, ownership
from actors.conversation.actor import ConversationActor
from actors.platform.bus.identity import create_token
from actors.platform.config import Settings
from schemas.context import IdempotencyClaim, IdempotencyResult, NewSession, PageRequest, SessionRef
from schemas.conversation import SubmitTurn, TurnAccepted, TurnRef
from schemas.errors import IdempotencyMismatch, InvalidInput, NotFound, RateLimited, Unauthenticated
from schemas.identity import Identity, owner_token
from schemas.subjects import (
    CLAIM_KEY,
    CREATE_SESSION,
    DELETE_SESSION,
    FINISH_KEY,
    HISTORY,
    SESSION_TURNS,
    TURN_EVENT,
    TURN_OUTCOME,
)
from tests.support.pools import LOCAL, Stage
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[Stage]:
    stage = await Stage.set(settings)
    yield stage
    await stage.clear()


def rows(settings: Settings, query: str) -> list[dict[str, object]]:
    with psycopg.connect(settings.database.url, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload]


def die(actor: ConversationActor) -> None:
    """The end of a process as the others see it: no lease is renewed, nothing is written any more."""
    for task in (actor._lease._task, actor._claims._task, *actor._running.values()):
        assert task is not None
        task.cancel()


async def test_a_turn_ends_with_one_stored_reply_and_numbered_events(stage: Stage) -> None:
    await stage.conversation()
    accepted = await stage.submit("hello")
    events = await eventually(lambda: stage.finished(accepted))
    assert [event.sequence for event in events] == list(range(len(events)))
    assert [events[0].type, events[-1].type] == ["reply.started", "reply.completed"]
    message = events[-1].message  # type: ignore[union-attr]
    assert "".join(e.chunk for e in events if e.type == "reply.chunk") == message.content
    stored = rows(stage.settings, "SELECT t.state, t.events, m.id FROM turn t JOIN message m ON m.turn_id = t.id")
    assert stored == [{"state": "done", "events": len(events), "id": message.id}]


async def test_the_same_key_is_the_same_turn_and_another_body_is_refused(stage: Stage) -> None:
    await stage.conversation()
    key = uuid.uuid4().hex
    answers = await asyncio.gather(*(stage.submit("hello", key=key) for _ in range(8)))
    assert {(a.session_id, a.turn_id) for a in answers} == {(answers[0].session_id, answers[0].turn_id)}
    assert sorted(a.duplicate for a in answers) == [False] + [True] * 7
    with pytest.raises(IdempotencyMismatch):
        await stage.submit("something else", key=key)
    assert rows(stage.settings, "SELECT count(*) FROM turn") == [{"count": 1}]
    assert rows(stage.settings, "SELECT count(*) FROM session") == [{"count": 1}]


async def test_the_same_turn_id_is_the_same_turn(stage: Stage) -> None:
    await stage.conversation()
    first = await stage.submit("hello", turn="my-turn")
    again = await stage.submit("hello", turn="my-turn")
    assert (again.session_id, again.turn_id, again.duplicate) == (first.session_id, "my-turn", True)


async def test_turns_of_a_session_run_in_order_and_sessions_in_parallel(stage: Stage) -> None:
    await stage.conversation()
    await stage.conversation("conversation-1")
    first = await stage.submit("wait 0")
    others = [await stage.submit(f"wait {n}") for n in range(1, 4)]
    queued = await asyncio.gather(*(stage.submit(f"next {n}", first.session_id) for n in range(10)))

    async def all_sessions_are_in_hand() -> bool:
        return stage.nlp.working == 4

    await eventually(all_sessions_are_in_hand)
    assert not any(text.startswith("next") for text in stage.nlp.heard)
    stage.nlp.gate.set()
    for accepted in (first, *others, *queued):
        await eventually(lambda a=accepted: stage.finished(a))
    order = rows(stage.settings, f"SELECT content FROM turn WHERE session_id = '{first.session_id}' ORDER BY seq")
    spoken = [text for text in stage.nlp.heard if text.startswith("next")]
    assert spoken == [row["content"] for row in order][1:]
    times = rows(
        stage.settings,
        f"SELECT closed_at FROM turn WHERE session_id = '{first.session_id}' ORDER BY seq",
    )
    assert [t["closed_at"] for t in times] == sorted(t["closed_at"] for t in times)  # type: ignore[type-var]


async def test_a_session_in_which_too_many_wait_refuses_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "MOST_OPEN", 3)
    await stage.conversation()
    first = await stage.submit("wait")
    await asyncio.gather(*(stage.submit(f"more {n}", first.session_id) for n in range(2)))
    with pytest.raises(RateLimited, match="waiting already"):
        await stage.submit("too much", first.session_id)
    again = await stage.submit("wait", first.session_id, turn=first.turn_id)
    assert again.duplicate  # what was accepted is not refused
    stage.nlp.gate.set()
    await eventually(lambda: stage.finished(first))
    assert rows(stage.settings, "SELECT last_seq FROM session") == [{"last_seq": 3}]


async def test_a_turn_whose_owner_dies_is_taken_over_and_goes_on_counting(stage: Stage) -> None:
    dead = await stage.conversation("conversation-9")
    accepted = await stage.submit("wait for the end")

    async def in_hand() -> bool:
        return stage.nlp.working == 1

    await eventually(in_hand)
    die(dead)
    await stage.conversation("conversation-1")
    stage.nlp.gate.set()
    events = await eventually(lambda: stage.finished(accepted))
    assert events[-1].type == "reply.completed"
    assert [event.sequence for event in events] == list(range(len(events)))
    assert rows(stage.settings, "SELECT state, epoch FROM turn") == [{"state": "done", "epoch": 2}]
    assert rows(stage.settings, "SELECT count(*) FROM message") == [{"count": 1}]


async def test_a_twin_that_lost_its_turn_stores_and_says_nothing(stage: Stage) -> None:
    sleeper = await stage.conversation("conversation-9")
    accepted = await stage.submit("wait and sleep")

    async def in_hand() -> bool:
        return stage.nlp.working == 1

    await eventually(in_hand)
    with psycopg.connect(stage.settings.database.url, autocommit=True) as connection:
        connection.execute("UPDATE actor_lease SET until = now() - interval '1 minute'")
        sleeper._lease._task.cancel()  # type: ignore[union-attr]
        sleeper._claims._task.cancel()  # type: ignore[union-attr]
    await stage.conversation("conversation-1")

    async def taken_over() -> bool:
        return rows(stage.settings, "SELECT epoch FROM turn") == [{"epoch": 2}]

    await eventually(taken_over)
    stage.nlp.gate.set()  # both go on now
    events = await eventually(lambda: stage.finished(accepted))
    assert [event.type for event in events].count("reply.completed") == 1
    assert [event.sequence for event in events] == list(range(len(events)))
    await asyncio.gather(*sleeper._running.values(), return_exceptions=True)
    assert rows(stage.settings, "SELECT count(*) FROM message") == [{"count": 1}]
    assert len(await stage.stored(accepted)) == len(events)


async def test_a_reply_that_was_stored_but_not_told_is_told_by_another(stage: Stage) -> None:
    dead = await stage.conversation("conversation-9")
    append = dead.bus.append

    async def all_but_the_last(*args: Any, kind: str, **more: Any) -> int:
        if kind.endswith("completed"):
            await asyncio.Event().wait()  # the process ends between the commit and the last word
        return await append(*args, kind=kind, **more)

    dead.bus.append = all_but_the_last  # type: ignore[method-assign]
    accepted = await stage.submit("hello")

    async def stored() -> bool:
        return rows(stage.settings, "SELECT state FROM turn") == [{"state": "done"}]

    await eventually(stored)
    assert await stage.finished(accepted) == []
    die(dead)
    await stage.conversation("conversation-1")
    events = await eventually(lambda: stage.finished(accepted))
    assert events[-1].type == "reply.completed"
    assert [event.sequence for event in events] == list(range(len(events)))
    assert rows(stage.settings, "SELECT epoch, events FROM turn") == [{"epoch": 1, "events": len(events)}]


async def test_a_turn_that_has_cost_too_many_lives_is_closed_with_the_reason(
    stage: Stage, settings: Settings
) -> None:
    accepted = TurnAccepted(session_id="", turn_id="")
    first = await stage.conversation()
    accepted = await stage.submit("wait")
    for task in first._running.values():
        task.cancel()
    with psycopg.connect(settings.database.url, autocommit=True) as connection:
        connection.execute("UPDATE turn SET epoch = %s, actor = 'gone', state = 'running'", (ownership.MAX_EPOCH,))
    events = await eventually(lambda: stage.finished(accepted))
    assert events[-1].type == "reply.failed"
    assert "gave up" in events[-1].problem.detail  # type: ignore[union-attr]
    assert rows(settings, "SELECT state FROM turn") == [{"state": "failed"}]


async def test_a_fault_while_thinking_ends_the_turn_with_a_problem(stage: Stage) -> None:
    await stage.conversation()
    accepted = await stage.submit("crash, please")
    events = await eventually(lambda: stage.finished(accepted))
    assert [event.type for event in events] == ["reply.failed"]
    after = await stage.submit("hello", accepted.session_id)
    assert (await eventually(lambda: stage.finished(after)))[-1].type == "reply.completed"


async def test_an_event_is_kept_while_nobody_is_there_and_taken_once(stage: Stage) -> None:
    key = uuid.uuid4().hex
    for _ in range(2):  # the publisher says it twice with one id
        await stage.bus._transport.publish(
            TURN_EVENT.subject(),
            SubmitTurn(content=f"kept {key}").model_dump_json().encode(),
            {"ce-id": key, "ce-source": "pager", "ce-type": "copilot.v1.turn.submit", "ce-specversion": "1.0"},
        )
    await stage.conversation()

    async def answered() -> list[dict[str, object]]:
        return rows(stage.settings, "SELECT content, state FROM turn WHERE state = 'done'")

    await eventually(answered)
    assert rows(stage.settings, "SELECT content, state FROM turn") == [{"content": f"kept {key}", "state": "done"}]


async def test_an_event_that_can_never_be_taken_is_kept_aside_with_the_reason(stage: Stage) -> None:
    await stage.conversation()
    transport = stage.bus._transport
    await transport.publish(TURN_EVENT.subject(), b'{"content": 5}', {"authorization": "Bearer secret"})
    await transport.publish(TURN_EVENT.subject(), b"\xff\xfe", {})

    async def both() -> bool:
        return len(rows(stage.settings, "SELECT id FROM dead_letter")) == 2

    await eventually(both)
    letters = rows(stage.settings, "SELECT reason, headers FROM dead_letter ORDER BY id")
    assert ["not JSON" in str(letter["reason"]) for letter in letters].count(True) == 1
    assert all("the body" in str(letter["reason"]) for letter in letters)
    assert "secret" not in str(letters)


async def test_history_is_in_order_and_paged(stage: Stage) -> None:
    await stage.conversation()
    first = await stage.submit("one")
    await eventually(lambda: stage.finished(first))
    second = await stage.submit("two", first.session_id)
    await eventually(lambda: stage.finished(second))
    said: list[tuple[str, str]] = []
    cursor = None
    while True:
        page = await stage.bus.request(
            HISTORY, PageRequest(identity=LOCAL, session_id=first.session_id, limit=1, cursor=cursor)
        )
        said += [(item.role, item.turn_id) for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert said == [
        ("user", first.turn_id),
        ("assistant", first.turn_id),
        ("user", second.turn_id),
        ("assistant", second.turn_id),
    ]
    with pytest.raises(InvalidInput, match="cursor"):
        await stage.bus.request(HISTORY, PageRequest(identity=LOCAL, session_id=first.session_id, cursor="x"))


async def test_what_belongs_to_another_user_is_not_found(stage: Stage) -> None:
    await stage.conversation()
    mine = await stage.submit("mine")
    other = Identity(user="mallory", roles=("operator",))
    for request, payload in (
        (HISTORY, PageRequest(identity=other, session_id=mine.session_id)),
        (DELETE_SESSION, SessionRef(id=mine.session_id, identity=other)),
    ):
        with pytest.raises(NotFound):
            await stage.bus.request(request, payload)
    with pytest.raises(NotFound):
        await stage.bus.request(
            TURN_OUTCOME,
            TurnRef(owner=other.owner, session_id=mine.session_id, turn_id=mine.turn_id),
        )


async def test_a_session_that_is_not_there_is_not_found(stage: Stage) -> None:
    await stage.conversation()
    with pytest.raises(NotFound):
        await stage.submit("hello", f"{owner_token('local')}.01ARZ3NDEKTSV4RRFFQ69G5FAV")


async def test_deleting_a_session_takes_its_turns_its_stream_and_leaves_the_audit(stage: Stage) -> None:
    await stage.conversation()
    accepted = await stage.submit("hello")
    await eventually(lambda: stage.finished(accepted))
    await stage.bus.request(DELETE_SESSION, SessionRef(id=accepted.session_id, identity=LOCAL))
    assert await stage.stored(accepted) == []
    assert rows(stage.settings, "SELECT (SELECT count(*) FROM turn) + (SELECT count(*) FROM message) AS n") == [
        {"n": 0}
    ]
    audit = rows(stage.settings, "SELECT user_name, action, subject FROM audit")
    assert audit == [{"user_name": "local", "action": "session.delete", "subject": accepted.session_id}]


async def test_turns_after_a_given_one_are_listed_in_order(stage: Stage) -> None:
    await stage.conversation()
    from schemas.conversation import SessionTurns

    first = await stage.submit("1")
    more = [await stage.submit(str(n), first.session_id) for n in range(2, 5)]
    listed = await stage.bus.request(
        SESSION_TURNS, SessionTurns(session_id=first.session_id, after_turn=first.turn_id)
    )
    assert list(listed.turn_ids) == [turn.turn_id for turn in more]


async def test_a_session_keeps_its_time_zone_and_refuses_an_unknown_one(stage: Stage) -> None:
    session = await stage.bus.request(CREATE_SESSION, NewSession(timezone="Europe/Vienna", identity=LOCAL))
    assert session.timezone == "Europe/Vienna"
    again = await stage.bus.request(CREATE_SESSION, NewSession(id=session.id, identity=LOCAL))
    assert again == session
    with pytest.raises(InvalidInput) as caught:
        await stage.bus.request(CREATE_SESSION, NewSession(timezone="Mars/Base", identity=LOCAL))
    assert caught.value.violations[0].pointer == "/timezone"


async def test_with_tokens_nobody_speaks_without_one(settings: Settings) -> None:
    secret = "s" * 32
    auth = settings.auth.model_copy(update={"mode": "jwt", "jwt_secret": secret})
    stage = await Stage.set(settings.model_copy(update={"auth": auth}))
    try:
        await stage.conversation()
        with pytest.raises(Unauthenticated):
            await stage.submit("hello")
        with pytest.raises(Unauthenticated):
            await stage.submit("hello", authorization="Bearer nonsense")
        alice, bob = (create_token(auth, user, ("viewer",), 60) for user in ("alice", "bob"))
        accepted = await stage.submit("hello", authorization=f"Bearer {alice}")
        assert accepted.session_id.startswith(owner_token("alice"))
        with pytest.raises(NotFound):
            await stage.submit("let me in", accepted.session_id, authorization=f"Bearer {bob}")
    finally:
        await stage.clear()


async def test_a_key_whose_request_came_to_nothing_may_be_tried_again_at_once(stage: Stage) -> None:
    claim = IdempotencyClaim(owner=LOCAL.owner, key="k", fingerprint="f")
    first = await stage.bus.request(CLAIM_KEY, claim)
    assert (await stage.bus.request(CLAIM_KEY, claim)).state == "running"
    await stage.bus.request(FINISH_KEY, IdempotencyResult(owner=LOCAL.owner, key="k"))
    again = await stage.bus.request(CLAIM_KEY, claim)
    assert (first.state, again.state) == ("new", "new")
    assert again.resource_id == first.resource_id
    await stage.bus.request(FINISH_KEY, IdempotencyResult(owner=LOCAL.owner, key="k", status=201, body="{}"))
    done = await stage.bus.request(CLAIM_KEY, claim)
    assert (done.state, done.status, done.body) == ("done", 201, "{}")
    with pytest.raises(IdempotencyMismatch):
        await stage.bus.request(CLAIM_KEY, claim.model_copy(update={"fingerprint": "other"}))
