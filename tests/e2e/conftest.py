"""One copilot as a user starts it, on Ray with the demo shop, for the whole run; and one with tokens."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from actors.platform.bus.identity import create_token
from schemas.identity import Role
from tests.support.running import Copilot, running_copilot
from tests.support.servers import settings_for


@pytest.fixture(scope="session")
def copilot() -> Iterator[Copilot]:
    with running_copilot("--runtime", "ray") as running:
        yield running


@dataclass(frozen=True)
class Guarded:
    """A copilot in JWT mode, and the maker of its tokens."""

    copilot: Copilot
    secret: str

    def token(self, user: str, *roles: Role, seconds: int = 600) -> str:
        settings = settings_for(self.copilot.data, COPILOT_AUTH__MODE="jwt", COPILOT_AUTH__JWT_SECRET=self.secret)
        return create_token(settings.auth, user, roles or ("viewer",), seconds)


@pytest.fixture(scope="session")
def guarded() -> Iterator[Guarded]:
    """Without Ray and without the shop: who may speak does not depend on them."""
    secret = secrets.token_hex(32)
    with running_copilot(
        "--runtime", "local", "--no-demo", COPILOT_AUTH__MODE="jwt", COPILOT_AUTH__JWT_SECRET=secret
    ) as running:
        yield Guarded(running, secret)
