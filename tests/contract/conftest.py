"""`system` is a running gateway with something behind it. The tests use its addresses and tokens and nothing else
of it; what needs the double's insides asks for `double`."""

from __future__ import annotations

import dataclasses
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
async def system(gateway_settings: Settings, memory: MemoryServer, double: PoolsDouble) -> AsyncIterator[System]:
    def token(user: str = "ada", role: Role = "operator", seconds: int = 600) -> str:
        return create_token(gateway_settings.auth, user, (role,), seconds)

    async with opened(gateway_settings, say=lambda text: None, transport=MemoryTransport(memory)) as running:
        assert running is not None
        yield System(running.addresses.http, running.addresses.grpc, token)


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
