"""One copilot as a user starts it, on Ray with the demo shop, for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.running import Copilot, running_copilot


@pytest.fixture(scope="session")
def copilot() -> Iterator[Copilot]:
    with running_copilot("--runtime", "ray") as running:
        yield running
