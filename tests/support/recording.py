"""Clients that write down what they see: many sessions, each followed from its beginning, asked in two ways.

Every client behaves as a good one should: it tries again what was refused as retryable, with the same key, and
goes on where a broken stream ended. What it has seen is held against the database by `judge`.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import nats
import nats.errors
import psycopg
from psycopg.rows import dict_row

from schemas.conversation import FINAL
from tests.contract.sse import server_sent
from tests.support.running import Copilot
from tests.support.waiting import eventually

QUESTION = "What is the error rate for the payment service in the last hour?"
PATIENCE_SECONDS = 90.0
LOST = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass
class Session:
    id: str
    turns: list[str] = field(default_factory=list[str])
    """In the order in which they were accepted."""
    answers: dict[str, str] = field(default_factory=dict[str, str])
    """Turn -> the content that came as a whole."""
    following: bool = False
    seen: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    """Turn, sequence and type of every event, as the follower got them."""

    def ended(self) -> int:
        return sum(1 for _, _, kind in self.seen if kind in FINAL)


class Recorder:
    """Half of the sessions are asked over NATS, all questions at once; the other half over HTTP, one by one."""

    def __init__(self, copilot: Copilot, sessions: int = 50, questions: int = 4) -> None:
        self.copilot = copilot
        self.sessions: list[Session] = []
        self.accepted = 0
        self._wanted, self._questions = sessions, questions
        timeout = aiohttp.ClientTimeout(total=None, connect=5, sock_read=30)
        self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout)

    async def run(self, fault: Callable[[], Awaitable[None]] | None = None, at: float = 0.3) -> None:
        """Asks everything; `fault` happens when this share of the turns has been accepted."""
        async with self._http:
            ids = await asyncio.gather(*(self._create() for _ in range(self._wanted)))
            self.sessions = [Session(id) for id in ids]
            followers = [asyncio.create_task(self._follow(session)) for session in self.sessions]
            await self._until(lambda: all(session.following for session in self.sessions))
            asking = [asyncio.create_task(self._ask(n, session)) for n, session in enumerate(self.sessions)]
            if fault is not None:
                await self._until(lambda: self.accepted >= at * self._wanted * self._questions)
                await fault()
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.gather(*asking)
            await self._until(lambda: all(s.ended() >= self._questions for s in self.sessions))
            for follower in followers:
                follower.cancel()
            await asyncio.gather(*followers, return_exceptions=True)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async def holds() -> bool:
            return condition()

        try:
            await eventually(holds, PATIENCE_SECONDS)
        except AssertionError as error:
            short = [(s.id, len(s.turns), s.ended()) for s in self.sessions if s.ended() < self._questions]
            raise AssertionError(f"{self.accepted} accepted; not ended: {short[:5]}") from error

    def _base(self) -> str:
        return self.copilot.address("http")

    async def _create(self) -> str:
        body = await self._post("/api/v1/sessions", {}, uuid.uuid4().hex)
        return body["id"]

    async def _ask(self, number: int, session: Session) -> None:
        if number % 2:
            for _ in range(self._questions):
                await self._by_http(session)
        else:
            await self._by_nats(session)

    async def _by_http(self, session: Session) -> None:
        body = {"session_id": session.id, "content": QUESTION}
        answer = await self._post("/api/v1/messages", body, uuid.uuid4().hex)
        session.turns.append(answer["turn_id"])
        session.answers[answer["turn_id"]] = answer["content"]
        self.accepted += 1

    async def _post(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        while True:
            try:
                headers = {"Idempotency-Key": key}
                async with self._http.post(self._base() + path, json=body, headers=headers) as response:
                    answer = await response.json()
                    if response.status in (200, 201):
                        return answer
                    assert answer["retry_after"] is not None, f"refused for good: {answer}"
            except (*LOST, FileNotFoundError, KeyError):
                pass  # the gateway is away, or the whole copilot; a client with a key tries again
            await asyncio.sleep(0.1)

    async def _by_nats(self, session: Session) -> None:
        client = await nats.connect(
            self.copilot.address("nats"), max_reconnect_attempts=-1, reconnect_time_wait=0.1, error_cb=_quiet
        )
        try:
            for _ in range(self._questions):
                turn_id = uuid.uuid4().hex
                body = {"session_id": session.id, "content": QUESTION, "turn_id": turn_id}
                await self._request(client, json.dumps(body).encode(), turn_id)
                session.turns.append(turn_id)
                self.accepted += 1
        finally:
            await client.close()

    async def _request(self, client: nats.NATS, body: bytes, turn_id: str) -> None:
        headers = {"ce-id": turn_id, "ce-source": "recorder", "ce-specversion": "1.0"}
        while True:
            try:
                answer = await client.request("copilot.v1.turn.submit", body, timeout=5, headers=headers)
                told = json.loads(answer.data)
                if "turn_id" in told:
                    assert told["turn_id"] == turn_id
                    return
                assert told.get("retry_after") is not None, f"refused for good: {told}"
            except (nats.errors.Error, *LOST):
                pass  # the bus or the pool is away; the same turn id again is the same turn
            await asyncio.sleep(0.1)

    async def _follow(self, session: Session) -> None:
        while True:
            try:
                await self._hear(session)
            except (*LOST, FileNotFoundError, KeyError):
                pass  # cut: it goes on where it was
            await asyncio.sleep(0.1)

    async def _hear(self, session: Session) -> None:
        position = await self._position(session)
        headers = {"Last-Event-ID": position} if position else {}
        path = f"{self._base()}/api/v1/sessions/{session.id}/events"
        async with self._http.get(path, headers=headers) as response:
            if response.status != 200:
                return
            session.following = True
            async for event in server_sent(response):
                session.seen.append((event.data["turn_id"], event.data["sequence"], event.event))

    async def _position(self, session: Session) -> str | None:
        """Of the last event seen; before the first turn where none was; None while nothing has been said."""
        if session.seen:
            turn, sequence, _ = session.seen[-1]
            return f"{turn}:{sequence}"
        async with self._http.get(f"{self._base()}/api/v1/messages/{session.id}") as response:
            items = (await response.json())["items"]
        return f"{items[0]['turn_id']}:-1" if items else None


async def _quiet(error: Exception) -> None:
    """Losing the connection is what these tests are about."""


def judge(recorder: Recorder) -> None:
    """One stored reply a turn, in the order of acceptance; every follower has all events once and in order."""
    ids = [session.id for session in recorder.sessions]
    with psycopg.connect(recorder.copilot.address("postgresql"), row_factory=dict_row) as connection:
        rows = connection.execute(
            "SELECT t.session_id, t.id, t.seq, t.state, t.problem, count(m.id) AS replies, "
            "min(m.body->>'content') AS content FROM turn t LEFT JOIN message m ON m.session_id = t.session_id "
            "AND m.turn_id = t.id WHERE t.session_id = ANY(%s) GROUP BY t.owner, t.id "
            "ORDER BY t.session_id, t.seq",
            (ids,),
        ).fetchall()
    failed = [(row["state"], row["problem"]) for row in rows if row["state"] != "done"]
    assert not failed, failed
    assert {row["replies"] for row in rows} == {1}
    for session in recorder.sessions:
        stored = [row for row in rows if row["session_id"] == session.id]
        assert [row["id"] for row in stored] == session.turns
        assert [row["seq"] for row in stored] == list(range(1, len(stored) + 1))
        for row in stored:
            assert session.answers.get(row["id"], row["content"]) == row["content"]
        _judge_events(session)


def _judge_events(session: Session) -> None:
    told: dict[str, list[tuple[int, str]]] = {}
    for turn, sequence, kind in session.seen:
        told.setdefault(turn, []).append((sequence, kind))
    assert list(told) == session.turns, "the turns of a session are followed in their order"
    for turn, events in told.items():
        assert [sequence for sequence, _ in events] == list(range(len(events))), (turn, events)
        assert [kind for _, kind in events if kind in FINAL] == [events[-1][1]], (turn, events)
