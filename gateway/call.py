"""One HTTP request on its way to a handler, and what handlers need of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel

from gateway.auth import Caller
from gateway.gateway import Gateway
from gateway.limiter import Allowance
from schemas.envelope import parse
from schemas.errors import InvalidInput, Unauthenticated, UnsupportedMedia, Violation

BodyT = TypeVar("BodyT", bound=BaseModel)
GATEWAY = web.AppKey("gateway", Gateway)
REQUEST_ID = web.RequestKey("request_id", str)
TRACE = web.RequestKey("trace", dict[str, str])
ALLOWANCE = web.RequestKey("allowance", Allowance)
JSON = "application/json"
IDEMPOTENCY_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")
CURSOR = re.compile(r"^[\x21-\x7e]{1,512}$")
PAGE_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Call:
    gateway: Gateway
    request: web.Request
    known_caller: Caller | None = None
    resource_id: str | None = None
    """With an idempotency key: the ULID that what is created under the key must have."""

    @property
    def caller(self) -> Caller:
        """Raises Unauthenticated on a route that is open to everybody."""
        if self.known_caller is None:
            raise Unauthenticated("a token is needed")
        return self.known_caller

    async def body(self, kind: type[BodyT]) -> BodyT:
        """Raises UnsupportedMedia, MalformedBody for what is not JSON, InvalidInput with pointers."""
        if self.request.content_type != JSON:
            raise UnsupportedMedia(f"send the body as {JSON}")
        return parse(await self.raw_body(), kind)

    async def raw_body(self) -> bytes:
        """Raises TooLarge, TooSlow, MalformedBody, or Unavailable while too much else is coming in."""
        return await self.gateway.bodies.read(self.request)

    def session_id(self) -> str:
        """Raises NotFound before anything odd gets near a subject."""
        names = self.request.match_info
        session_id = names.get("id") or names["session_id"]
        self.caller.check_session(session_id)
        return session_id

    def page(self) -> dict[str, Any]:
        """`limit` (1 to 100, default 50) and `cursor`. Raises InvalidInput."""
        query = self.request.query
        limit, cursor = query.get("limit", "50"), query.get("cursor")
        wrong: list[Violation] = []
        if not (limit.isascii() and limit.isdecimal() and len(limit) < 5 and 1 <= int(limit) <= PAGE_LIMIT):
            wrong.append(Violation(pointer="/limit", detail=f"must be a number from 1 to {PAGE_LIMIT}"))
        if cursor is not None and not CURSOR.fullmatch(cursor):
            wrong.append(Violation(pointer="/cursor", detail="must be a `next_cursor` of an earlier page"))
        if wrong:
            raise InvalidInput("the query parameters are not valid", violations=tuple(wrong))
        return {"limit": int(limit), "cursor": cursor}

    def idempotency_key(self) -> str | None:
        """Raises InvalidInput."""
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
            raise InvalidInput("the Idempotency-Key must be 1 to 255 printable ASCII characters without spaces")
        return key


def json_answer(payload: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    sent = {**(headers or {}), "Content-Type": JSON}
    return web.Response(status=status, body=payload.model_dump_json().encode(), headers=sent)
