"""What a route is: enough to serve it and to describe it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from gateway.call import Call
from schemas.identity import Permission

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """`schema` is the JSON schema of a query parameter or header."""

    name: str
    place: str
    text: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """`permission` None: open to everybody. `asks` and `answers` describe the JSON bodies; `media` is the type
    of an answer that is not JSON, `streams` adds server-sent events to it."""

    method: str
    path: str
    handler: Handler
    summary: str
    tag: str
    permission: Permission | None = None
    asks: type[BaseModel] | None = None
    asks_media: tuple[str, ...] = ("application/json",)
    answers: Any = None
    status: int = 200
    media: str = "application/json"
    streams: bool = False
    idempotent: bool = False
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()
    head: bool = True
