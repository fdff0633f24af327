"""Starting and stopping: taken ports, a bus that is late, limits, closed metrics, local mode."""

from __future__ import annotations

import socket

import aiohttp
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from actors.platform.bus.identity import create_token
from actors.platform.bus.memory import MemoryServer, MemoryTransport
from actors.platform.config import Settings, load
from gateway.app import opened
from schemas.identity import Identity
from tests.contract.conftest import System
from tests.contract.fakes import PoolsDouble


def silent(text: str) -> None:
    """Nobody listens."""


async def test_taken_ports_are_replaced_said_and_reported(
    gateway_settings: Settings, memory: MemoryServer
) -> None:
    with socket.socket() as first, socket.socket() as second:
        for taken in (first, second):
            taken.bind(("127.0.0.1", 0))
            taken.listen()
        ports = {"port": first.getsockname()[1], "grpc_port": second.getsockname()[1]}
        server = gateway_settings.server.model_copy(update=ports)
        settings = gateway_settings.model_copy(update={"server": server})
        said: list[str] = []
        async with (
            opened(settings, say=said.append, transport=MemoryTransport(memory)) as running,
            aiohttp.ClientSession() as client,
        ):
            async with client.get(f"{running.addresses.http}/health") as response:
                assert response.status == 200
            assert running.addresses.grpc != f"127.0.0.1:{ports['grpc_port']}"
    assert [f"port {port} is taken" in text for port, text in zip(ports.values(), said, strict=True)] == [True] * 2


async def test_late_bus_is_waited_for_and_said_while_the_gateway_lives(gateway_settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"nats://user:hidden@127.0.0.1:{free.getsockname()[1]}"
    settings = gateway_settings.model_copy(update={"nats": gateway_settings.nats.model_copy(update={"url": url})})
    said: list[str] = []
    headers = {"Authorization": f"Bearer {create_token(settings.auth, 'ada', ('operator',), 60)}"}
    async with opened(settings, say=said.append) as running, aiohttp.ClientSession(headers=headers) as client:
        assert [text.partition(" at ")[0] for text in said] == ["waiting for NATS"]
        assert "hidden" not in said[0]
        async with client.get(f"{running.addresses.http}/health") as response:
            assert response.status == 200
        async with client.get(f"{running.addresses.http}/ready") as response:
            assert response.status == 503
            states = {d["name"]: d["message"] for d in (await response.json())["dependencies"]}
            assert states["nats"] == "not connected"
        body = {"content": "a", "session_id": f"{Identity(user='ada', roles=()).owner}.{'0' * 26}"}
        for asked in ({"content": "a"}, body):
            async with client.post(f"{running.addresses.http}/api/v1/messages", json=asked) as response:
                assert response.status == 503
                assert response.headers["Retry-After"]
        async with grpc.aio.insecure_channel(running.addresses.grpc) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.mark.scripted
async def test_too_many_requests(gateway_settings: Settings, memory: MemoryServer, system: System) -> None:
    limits = gateway_settings.limits.model_copy(update={"requests_per_minute": 2})
    settings = gateway_settings.model_copy(update={"limits": limits})
    async with (
        opened(settings, say=silent, slot="gateway-1", transport=MemoryTransport(memory)) as running,
        aiohttp.ClientSession(headers=system.headers()) as client,
    ):
        statuses = []
        for _ in range(6):  # a new minute may begin on the way
            async with client.get(f"{running.addresses.http}/api/v1/sessions") as response:
                statuses.append(response.status)
                if response.status == 429:
                    body = await response.json(content_type="application/problem+json")
                    assert body["type"] == "urn:copilot:problem:rate-limited"
                    assert 1 <= int(response.headers["Retry-After"]) <= 60
                    assert response.headers["RateLimit-Remaining"] == "0"
        assert statuses[0] == 200
        assert 429 in statuses


@pytest.mark.scripted
async def test_closed_metrics_need_a_token(
    gateway_settings: Settings, memory: MemoryServer, system: System
) -> None:
    server = gateway_settings.server.model_copy(update={"metrics_open": False})
    settings = gateway_settings.model_copy(update={"server": server})
    async with (
        opened(settings, say=silent, slot="gateway-1", transport=MemoryTransport(memory)) as running,
        aiohttp.ClientSession() as client,
    ):
        for headers, status in ((None, 401), (system.headers(), 200)):
            async with client.get(f"{running.addresses.http}/metrics", headers=headers) as response:
                assert response.status == status


async def test_nobody_serves(gateway_settings: Settings, system: System, double: PoolsDouble) -> None:
    """A gateway alone on its bus: refused at once, as something that may pass."""
    async with (
        opened(gateway_settings, say=silent, transport=MemoryTransport(MemoryServer())) as running,
        aiohttp.ClientSession(headers=system.headers()) as client,
        client.post(f"{running.addresses.http}/api/v1/messages", json={"content": "a"}) as response,
    ):
        assert response.status == 503
        assert response.headers["Retry-After"] == "1"


async def test_local_mode_knows_its_person_and_refuses_pages_of_others(
    gateway_settings: Settings, memory: MemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPILOT_AUTH__MODE", "local")
    settings = load()
    double = PoolsDouble(MemoryTransport(memory), settings)
    await double.start()
    async with (
        opened(settings, say=silent, transport=MemoryTransport(memory)) as running,
        aiohttp.ClientSession() as client,
    ):
        url = f"{running.addresses.http}/api/v1/messages"
        async with client.post(url, json={"content": "a"}) as response:
            assert response.status == 200
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            async with client.post(url, json={"content": "a"}, headers=headers) as response:
                assert response.status == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(f"{running.addresses.http}/ws", origin="https://evil.example")
        assert refused.value.status == 403
    await double.stop()
