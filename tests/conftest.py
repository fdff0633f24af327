"""Fixtures of all tests: real servers once a run, a database of its own for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from actors.platform.config import Settings
from tests.support.classifiers import SHARED
from tests.support.guarded import Guarded, running_guarded
from tests.support.servers import Servers, running_servers

os.environ.update(SHARED)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """NATS, PostgreSQL and Valkey."""
    with running_servers(demo=False) as running:
        yield running


@pytest.fixture
def settings(servers: Servers) -> Iterator[Settings]:
    """The settings with a fresh database."""
    with servers.database() as url:
        yield servers.settings.model_copy(
            update={"database": servers.settings.database.model_copy(update={"url": url})}
        )


@pytest.fixture(scope="session")
def guarded() -> Iterator[Guarded]:
    """The whole copilot in JWT mode, with the demo shop."""
    with running_guarded() as running:
        yield running
