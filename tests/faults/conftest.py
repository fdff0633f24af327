"""What is attacked: the whole copilot in JWT mode, beside a neighbour who only wants to be served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.guarded import Guarded
from tests.support.neighbour import Neighbour, neighbour


@dataclass(frozen=True)
class Target:
    http: str
    grpc: str
    pid: int
    token: str

    @property
    def authorization(self) -> str:
        return f"Bearer {self.token}"


@pytest.fixture
def target(guarded: Guarded) -> Target:
    copilot = guarded.copilot
    pid = next(p["pid"] for p in copilot.state()["processes"] if p["kind"] == "gateway")
    return Target(copilot.address("http"), copilot.address("grpc"), pid, guarded.token("attacker", "operator"))


@pytest.fixture(scope="module")
def beside(guarded: Guarded) -> Iterator[Neighbour]:
    """Served well as long as the module's tests run: seen at their end."""
    with neighbour(guarded.copilot.address("http"), guarded.token("neighbour")) as found:
        yield found
    found.served_well()
