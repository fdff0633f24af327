"""All embedded servers that the settings leave to us, started together and stopped together."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

from actors.embedded import demo as demo_shop
from actors.embedded import prometheus
from actors.embedded.demo import ShopServer
from actors.embedded.directory import held
from actors.embedded.errors import ServerUnavailable
from actors.embedded.nats import NatsPermissions, NatsServer
from actors.embedded.postgresql import PostgresServer
from actors.embedded.process import ChildProcess, ProcessState, Say
from actors.embedded.prometheus import PrometheusServer
from actors.embedded.valkey import ValkeyServer
from actors.platform.config import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)


class EmbeddedServer(Protocol):
    process: ChildProcess | None

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Addresses:
    """URLs in use, configured or embedded; `notes` are for people.

    `nats` is the copilot's own, with its password; `nats_public` is for clients. `prometheus` is None where
    there is none, `shop` where there is no demo.
    """

    nats: str
    nats_public: str
    postgresql: str
    redis: str
    prometheus: str | None
    shop: str | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """`message` says why, in states other than `ready`."""

    kind: str
    pid: int | None
    state: ProcessState
    message: str = ""


@dataclass(slots=True)
class EmbeddedStack:
    """`packages` keeps what is fetched or copied; several stacks may share it. Default: `<data>/packages`.

    `say` gets one line at a time for people: progress now, and later whatever happens to a server.
    """

    settings: Settings
    demo: bool
    nats_permissions: NatsPermissions
    say: Say = log.info
    packages: Path | None = None
    issuer_seed: bytes = field(default=b"", init=False)
    _notes: list[str] = field(default_factory=list[str], init=False)
    _servers: list[EmbeddedServer] = field(default_factory=list[EmbeddedServer], init=False)
    _hold: ExitStack = field(default_factory=ExitStack, init=False)

    async def start(self) -> Addresses:
        """Returns when everything serves. Raises EmbeddedError, with nothing left running, when a part does not.

        Prometheus alone may be missing: then a note says how to get it.
        """
        self._hold.enter_context(held(self._data))
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stops all of them, those that read from others first."""
        readers = [server for server in self._servers if isinstance(server, PrometheusServer)]
        await asyncio.gather(*(server.stop() for server in readers))
        await asyncio.gather(*(server.stop() for server in self._servers if server not in readers))
        self._servers.clear()
        self._hold.close()

    def processes(self) -> list[ProcessInfo]:
        running = (server.process for server in self._servers)
        return [ProcessInfo(one.name, one.pid, one.state, one.message) for one in running if one is not None]

    @property
    def _data(self) -> Path:
        return self.settings.data_path

    @property
    def _packages(self) -> Path:
        return self.packages or self._data / "packages"

    async def _start(self) -> Addresses:
        # Each of them runs to its end, so that after a failure nothing is still being started.
        bus, database, cache, watch = await asyncio.gather(
            self._start_nats(),
            self._start_postgresql(),
            self._start_valkey(),
            self._start_observatory(),
            return_exceptions=True,
        )
        nats, nats_public = _unless_failed(bus)
        metrics, shop = _unless_failed(watch)
        return Addresses(
            nats=nats,
            nats_public=nats_public,
            postgresql=_unless_failed(database),
            redis=_unless_failed(cache),
            prometheus=metrics,
            shop=shop,
            notes=tuple(self._notes),
        )

    async def _start_nats(self) -> tuple[str, str]:
        configured = self.settings.nats
        if configured.url:
            return configured.url, without_credentials(configured.url)
        server = NatsServer(
            self._data,
            port=configured.port,
            mode=self.settings.auth.mode,
            permissions=self.nats_permissions,
            say=self.say,
        )
        await self._begin(server, "NATS")
        self._note_port("NATS", configured.port, server.port)
        self.issuer_seed = server.issuer_seed
        return server.url, server.public_url

    async def _start_postgresql(self) -> str:
        if self.settings.database.url:
            return self.settings.database.url
        server = PostgresServer(self._data, packages=self._packages, say=self.say)
        await self._begin(server, "PostgreSQL")
        return server.url

    async def _start_valkey(self) -> str:
        if self.settings.redis.url:
            return self.settings.redis.url
        server = ValkeyServer(self._data, say=self.say)
        await self._begin(server, "Valkey")
        return server.url

    async def _start_observatory(self) -> tuple[str | None, str | None]:
        """The URLs of Prometheus and the shop, which it scrapes."""
        configured = self.settings.observatory.prometheus_url
        if configured:
            shop = await self._start_shop()
            return configured, shop.url if shop else None
        fetched, started = await asyncio.gather(
            prometheus.PACKAGE.obtain(self._packages, self.say), self._start_shop(), return_exceptions=True
        )
        shop = _unless_failed(started)
        return await self._start_prometheus(shop, fetched), shop.url if shop else None

    async def _start_prometheus(self, shop: ShopServer | None, fetched: object) -> str | None:
        """`fetched` is an exception where its programs cannot be had; the message becomes a note."""
        server = PrometheusServer(
            self._data,
            self._packages,
            shop.targets() if shop else (),
            before_start=partial(self._fill_history, shop) if shop else None,
            say=self.say,
        )
        try:
            _unless_failed(fetched)
            await self._begin(server, "Prometheus")
        except ServerUnavailable as error:
            self._note(str(error))
            return None
        self._note_port("Prometheus", prometheus.PORT, server.port)
        return server.url

    async def _start_shop(self) -> ShopServer | None:
        if not self.demo:
            return None
        server = ShopServer(self._data, say=self.say)
        await self._begin(server, "the demo shop")
        self._note_port("the demo shop", demo_shop.PORT, server.port)
        return server

    async def _fill_history(self, shop: ShopServer, tsdb: Path, promtool: Path) -> None:
        self.say("filling in the demo shop's past hours")
        try:
            await shop.fill_history(tsdb, promtool)
        except Exception as error:
            # Whatever it is: live numbers are worth more than their history, and the note says what is missing.
            log.exception("back-fill failed")
            self._note(f"the demo shop has no history before now: {error}")

    async def _begin(self, server: EmbeddedServer, name: str) -> None:
        self._servers.append(server)
        self.say(f"starting {name}")
        await server.start()
        self.say(f"{name} serves")

    def _note_port(self, name: str, preferred: int, port: int) -> None:
        if preferred and port != preferred:
            self._note(f"port {preferred} is taken: {name} listens on {port}")

    def _note(self, text: str) -> None:
        self._notes.append(text)
        self.say(text)


def _unless_failed(outcome: T | BaseException) -> T:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def without_credentials(url: str) -> str:
    """Of one NATS URL, or several with commas between."""
    parts = (urlsplit(one.strip()) for one in url.split(","))
    return ",".join(urlunsplit(part._replace(netloc=part.netloc.rpartition("@")[2])) for part in parts)
