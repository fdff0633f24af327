"""Who is calling, and whether this way in is open to them."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from actors.platform.bus.identity import expiry, identify
from actors.platform.config import AuthSettings
from schemas.conversation import SESSION_ID
from schemas.errors import Forbidden, NotFound, Unauthenticated
from schemas.identity import Identity, Permission

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
REMEMBERED_TOKENS = 4_096
LOOK_SECONDS = 5.0
_SESSION_ID = re.compile(SESSION_ID)


@dataclass(frozen=True, slots=True)
class Caller:
    """`authorization` is passed on with everything asked for this caller; `expires` is in unix seconds."""

    identity: Identity
    owner: str
    authorization: str | None = None
    expires: float | None = None

    def need(self, permission: Permission) -> None:
        """Raises Forbidden."""
        if not self.identity.may(permission):
            raise Forbidden(f"the permission {permission!r} is needed")

    def check_session(self, session_id: str) -> None:
        """Raises NotFound for what is not a session id or names somebody else's session."""
        well_formed = len(session_id) < 100 and _SESSION_ID.fullmatch(session_id)
        mine = session_id.startswith(f"{self.owner}.")
        if not well_formed or not (mine or self.identity.may("session.any")):
            raise NotFound("there is no such session of yours")


@asynccontextmanager
async def lifetime(caller: Caller) -> AsyncGenerator[None]:
    """What a caller holds open must not outlive the token. Raises TimeoutError inside once that has ended, also by
    a clock that was set meanwhile."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def look() -> None:
        timers.clear()
        left = 0.0 if caller.expires is None else caller.expires - time.time()
        if left <= 0:
            limit.reschedule(loop.time())
        else:
            timers.append(loop.call_later(min(left, LOOK_SECONDS), look))

    async with asyncio.timeout(None) as limit:
        if caller.expires is not None:
            look()
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()


class Doorkeeper:
    """Verifies tokens. A token that was verified is remembered until it ends: checking a signature takes
    longer than anything else the gateway does for a request."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings
        self._known: OrderedDict[str, Caller] = OrderedDict()
        identity = identify(settings, None) if settings.mode == "local" else None
        self._local = Caller(identity, identity.owner) if identity else None

    def identify(self, authorization: str | None) -> Caller:
        """Raises Unauthenticated."""
        if self._local is not None:
            return self._local
        caller = self._known.get(authorization or "")
        if caller is not None and caller.expires is not None and caller.expires > time.time():
            return caller
        identity = identify(self._settings, authorization)
        if authorization is None:
            raise Unauthenticated("a token is needed")
        token = authorization.partition(" ")[2].strip()
        caller = Caller(identity, identity.owner, authorization, expiry(self._settings, token))
        self._remember(authorization, caller)
        return caller

    def refuse_foreign_pages(self, headers: Mapping[str, str]) -> None:
        """In local mode whoever reaches the loopback interface is trusted, and any web page a person opens
        can reach it: a page's origin, or a name pointed at loopback, must not get in. Raises Forbidden."""
        if self._local is None:
            return
        if _hostname("//" + headers.get("Host", "localhost")) not in LOOPBACK:
            raise Forbidden("in local mode the server answers to loopback names only")
        origin = headers.get("Origin")
        if origin is not None and _hostname(origin) not in LOOPBACK:
            raise Forbidden("in local mode requests from web pages of other origins are refused")

    def _remember(self, authorization: str, caller: Caller) -> None:
        self._known[authorization] = caller
        while len(self._known) > REMEMBERED_TOKENS:
            self._known.popitem(last=False)


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
