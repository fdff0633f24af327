"""One open WebSocket: reads frames, runs their turns beside each other, writes events."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import Any, cast

import structlog
from aiohttp import web
from pydantic import ValidationError

from gateway.auth import Caller
from gateway.gateway import Gateway
from gateway.replies import Follower
from gateway.streams import SLOW_SECONDS, patience
from gateway.turns import submission_of
from schemas.conversation import ReplyEvent, SubmitTurn
from schemas.envelope import violations
from schemas.errors import CopilotError, Internal, InvalidInput, NotThereYet, RateLimited, Unavailable
from schemas.websocket import CAMEL, CLIENT_FRAME, SERVER_NAMES, Error, Ping, SendMessage, Subscribe, snake

log = structlog.get_logger(__name__)

WORKS_PER_SOCKET = 128  # turns and subscriptions at once
CLOSE_SECONDS = 5.0


class Socket:
    def __init__(
        self, gateway: Gateway, caller: Caller, answer: web.WebSocketResponse, request: web.Request
    ) -> None:
        self._request = request
        self._gateway = gateway
        self._caller = caller
        self._answer = answer
        self._works: set[asyncio.Task[None]] = set()
        self._subscribed: set[str] = set()

    async def receive(self, text: str) -> None:
        """Raises InvalidInput for what is no frame, RateLimited when too much is going on."""
        frame, snaked = _read(text)
        if isinstance(frame, Ping):
            return await self._send(_named({"type": "Pong"}, snaked))
        if isinstance(frame, SendMessage):
            submission = submission_of(frame)
            return self._start(self._turn(submission, snaked), snaked, turn_id=frame.turn_id)
        if isinstance(frame, Subscribe):
            return self._start(self._session(frame, snaked), snaked, session_id=frame.session_id)
        await self.problem(NotThereYet("workflows are not available in this version"), snaked)
        return None

    async def problem(
        self,
        error: CopilotError,
        snaked: bool = False,
        *,
        session_id: str | None = None,
        turn_id: str | None = None,
    ) -> None:
        frame = Error(problem=error.problem(instance="/ws"), session_id=session_id, turn_id=turn_id)
        await self._send(_named(frame.model_dump(mode="json", exclude_none=True), snaked))

    async def close(self, code: int, reason: str) -> None:
        """A reader that does not even take the close frame loses its connection."""
        with patience(CLOSE_SECONDS, self._request):
            await self._answer.close(code=code, message=reason.encode())

    async def finish(self, seconds: float) -> None:
        """What runs may end within so many seconds; then the client is told that the server goes."""
        if self._works:
            await asyncio.wait(tuple(self._works), timeout=seconds)
        await self.close(1001, "the server is stopping: connect again and resume")

    async def end(self) -> None:
        """The socket is gone: nothing needs to be sent any more."""
        for work in self._works:
            work.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)

    # --- inside ------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None], snaked: bool, **ids: str | None) -> None:
        if self._gateway.draining:
            work.close()
            raise Unavailable("the server is stopping: connect again", after=1.0)
        if len(self._works) >= WORKS_PER_SOCKET:
            work.close()
            raise RateLimited(f"{WORKS_PER_SOCKET} turns and subscriptions are open on this socket", after=1.0)
        task = asyncio.create_task(self._guarded(work, snaked, ids))
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None], snaked: bool, ids: dict[str, str | None]) -> None:
        try:
            await work
        except CopilotError as error:
            await self.problem(error, snaked, **ids)
        except ConnectionResetError:
            log.debug("socket.gone")
        except Exception:
            # The border: one broken turn must not end the others on this socket.
            log.exception("socket.unexpected")
            await self.problem(Internal("an unexpected error; the log of the gateway has it"), snaked, **ids)

    async def _turn(self, submission: SubmitTurn, snaked: bool) -> None:
        await self._gateway.admit(self._caller)
        async with await self._gateway.turns.begin(self._caller, submission) as turn:
            if turn.accepted.session_id in self._subscribed and not turn.accepted.duplicate:
                return  # the subscription on this socket shows it: each event once
            await self._follow(turn.follower, snaked)

    async def _follow(self, follower: Follower, snaked: bool) -> None:
        told = False
        async for event in follower:
            await self._send(_event(event, snaked))
            if follower.fell_behind and not told:
                told = True
                text = "you read slowly: events were held back and come from the log"
                await self.problem(RateLimited(text), snaked, turn_id=follower.turn_id)

    async def _session(self, frame: Subscribe, snaked: bool) -> None:
        await self._gateway.admit(self._caller)
        if frame.session_id in self._subscribed:
            raise InvalidInput("this socket is subscribed to the session already")
        self._subscribed.add(frame.session_id)
        follower = self._gateway.follow_session(self._caller, frame.session_id, frame.after)
        try:
            async with follower, contextlib.aclosing(follower.events()) as events:
                async for event in events:
                    await self._send(_event(event, snaked))
        finally:
            self._subscribed.discard(frame.session_id)
            self._gateway.followed_sessions.discard(follower)

    async def _send(self, text: str) -> None:
        """Waits for the reader; one that takes nothing for SLOW_SECONDS loses its connection and can resume."""
        with patience(SLOW_SECONDS, self._request):
            await self._answer.send_str(text)


def _read(text: str) -> tuple[Any, bool]:
    """The frame, and whether it was spelled `snake_case`. Raises InvalidInput."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the frame is not JSON") from error
    if not isinstance(given, dict):
        raise InvalidInput("a frame is a JSON object with a type")
    frame = cast("dict[str, Any]", given)
    kind = frame.get("type")
    snaked = isinstance(kind, str) and kind in CAMEL
    try:
        return CLIENT_FRAME.validate_python({**frame, "type": CAMEL[str(kind)] if snaked else kind}), snaked
    except ValidationError as error:
        raise InvalidInput("the frame does not have the expected form", violations=violations(error)) from error


def _named(frame: dict[str, Any], snaked: bool) -> str:
    return json.dumps({**frame, "type": snake(frame["type"])} if snaked else frame)


def _event(event: ReplyEvent, snaked: bool) -> str:
    name = SERVER_NAMES[event.type]
    fields = event.model_dump_json(exclude={"type"})
    return f'{{"type":"{snake(name) if snaked else name}",{fields[1:]}'
