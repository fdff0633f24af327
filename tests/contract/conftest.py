"""`system` is a running gateway with something behind it. The tests use its addresses and tokens and nothing else
of it; what needs the double's insides asks for `double`."""

from __future__ import annotations

import dataclasses
import inspect
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest

from actors.platform.bus.identity import create_token
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.config import Settings, load
from gateway.app import opened
from schemas.identity import Role
from tests.contract.fakes import PoolsDouble
from tests.support.guarded import Guarded

SECRET = "a secret of the contract tests, long enough for HS256"


@dataclasses.dataclass(frozen=True)
class System:
    http: str
    grpc: str
    token: Callable[..., str]

    def headers(self, user: str = "ada", role: Role = "operator") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(user, role)}"}


@pytest.fixture
def gateway_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    for name, value in {
        "DATA_DIR": str(tmp_path),
        "AUTH__MODE": "jwt",
        "AUTH__JWT_SECRET": SECRET,
        "SERVER__PORT": "0",
        "SERVER__GRPC_PORT": "0",
        "SERVER__DRAIN_SECONDS": "5",
    }.items():
        monkeypatch.setenv(f"COPILOT_{name}", value)
    return load()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of `system` runs against the double and against the whole copilot; those that steer the double,
    by its insides or by its scripted replies, against the double alone."""
    if "behind" not in metafunc.fixturenames:
        return
    steers = "double" in inspect.signature(metafunc.function).parameters
    if steers or metafunc.definition.get_closest_marker("scripted"):
        kinds = ["double"]
    else:
        kinds = ["double", pytest.param("real", marks=pytest.mark.integration)]
    metafunc.parametrize("behind", kinds)


@pytest.fixture
def memory() -> MemoryServer:
    return MemoryServer()


@pytest.fixture
async def double(gateway_settings: Settings, memory: MemoryServer) -> AsyncIterator[PoolsDouble]:
    pools = PoolsDouble(MemoryTransport(memory), gateway_settings)
    await pools.start()
    yield pools
    await pools.stop()


@pytest.fixture
async def doubled(gateway_settings: Settings, memory: MemoryServer, double: PoolsDouble) -> AsyncIterator[System]:
    """A real gateway in front of the double."""

    def token(user: str = "ada", role: Role = "operator", seconds: int = 600) -> str:
        return create_token(gateway_settings.auth, user, (role,), seconds)

    async with opened(gateway_settings, say=lambda text: None, transport=MemoryTransport(memory)) as running:
        yield System(running.addresses.http, running.addresses.grpc, token)


@pytest.fixture
def system(request: pytest.FixtureRequest, behind: str, doubled: System) -> System:
    if behind == "double":
        return doubled
    guarded: Guarded = request.getfixturevalue("guarded")
    # Users of their own for each test: what one leaves behind, another must not find.
    suffix = uuid.uuid4().hex[:8]

    def token(user: str = "ada", role: Role = "operator", seconds: int = 600) -> str:
        return guarded.token(f"{user}-{suffix}", role, seconds=seconds)

    return System(guarded.copilot.address("http"), guarded.copilot.address("grpc"), token)


@pytest.fixture
async def http(system: System) -> AsyncIterator[aiohttp.ClientSession]:
    """Speaks as ada, an operator."""
    async with aiohttp.ClientSession(system.http, headers=system.headers()) as session:
        yield session


@pytest.fixture
async def stranger(system: System) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(system.http, headers=system.headers("mallory")) as session:
        yield session


@pytest.fixture
async def nobody(system: System) -> AsyncIterator[aiohttp.ClientSession]:
    """Has no token."""
    async with aiohttp.ClientSession(system.http) as session:
        yield session
