"""A copilot in JWT mode, and the maker of its tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from actors.platform.bus.identity import create_token
from schemas.identity import Role
from tests.support.running import Copilot, running_copilot
from tests.support.servers import settings_for


@dataclass(frozen=True)
class Guarded:
    copilot: Copilot
    secret: str

    def token(self, user: str, *roles: Role, seconds: int = 600) -> str:
        settings = settings_for(self.copilot.data, COPILOT_AUTH__MODE="jwt", COPILOT_AUTH__JWT_SECRET=self.secret)
        return create_token(settings.auth, user, roles or ("viewer",), seconds)


@contextmanager
def running_guarded() -> Iterator[Guarded]:
    """Without Ray: who may speak does not depend on where the actors run."""
    secret = secrets.token_hex(32)
    with running_copilot(
        "--runtime",
        "local",
        COPILOT_AUTH__MODE="jwt",
        COPILOT_AUTH__JWT_SECRET=secret,
        COPILOT_SERVER__DRAIN_SECONDS="5",
    ) as running:
        yield Guarded(running, secret)
