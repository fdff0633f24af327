"""The whole system in one place: embedded servers, pools, supervisor, gateway. `copilot up` and the tests start
this same code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import psycopg
import structlog

from actors.cli.crew import Crew
from actors.cli.front import GatewayProcess
from actors.cli.waiting import Say, until_there
from actors.embedded.nats import ACCOUNT, NatsPermissions
from actors.embedded.stack import Addresses, EmbeddedStack
from actors.platform.bus.callout import AuthCallout
from actors.platform.config import Settings, mask_url
from actors.platform.pool.definition import Runtime
from actors.platform.pool.local import LocalRuntime
from actors.platform.store.migrate import migrate
from actors.pools import POOLS
from gateway.cli.running import STATE_FILE, find, started_ticks
from schemas.subjects import client_publish, client_subscribe

log = structlog.get_logger(__name__)

RuntimeName = Literal["ray", "local"]
REFRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """`ray_address`: join that Ray cluster instead of starting a node."""

    runtime: RuntimeName = "ray"
    demo: bool = True
    ray_address: str | None = None
    packages: Path | None = None


class System:
    """`start` returns when a question can be asked; `stop` ends everything that it started."""

    def __init__(self, settings: Settings, options: Options, say: Say) -> None:
        self._options = options
        self._say = say
        self._stack = EmbeddedStack(
            settings,
            options.demo,
            NatsPermissions(client_publish(), client_subscribe()),
            say,
            options.packages,
        )
        self._runtime = make_runtime(settings.data_path, options)
        self.settings = settings
        self.addresses: Addresses | None = None
        self.crew: Crew | None = None
        self.gateway: GatewayProcess | None = None
        self._callout: AuthCallout | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises what a part raised, with nothing left running."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self.addresses = await self._open()
        self.settings = effective(self.settings, self.addresses)
        url = self.settings.database.url
        database = f"PostgreSQL at {mask_url(url)}"
        applied = await until_there(database, partial(migrate, url), (psycopg.OperationalError,), self._say)
        if applied:
            self._say(f"applied migrations: {', '.join(applied)}")
        await self._start_callout()
        self._say("starting the pools")
        self.crew = Crew(self.settings, self._runtime, POOLS, self._say)
        self.gateway = GatewayProcess(self.settings, self._say)
        await asyncio.gather(self.crew.start(), self.gateway.start())
        self._write_state(self.state())
        self._refreshing = asyncio.create_task(self._refresh_state())

    async def stop(self) -> None:
        """The gateway first: it finishes the turns that run; the servers last."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        if self.gateway is not None:
            await self.gateway.stop()
        if self.crew is not None:
            await self.crew.stop()
        if self._callout is not None:
            await self._callout.stop()
        await self._runtime.close()
        await self._stack.stop()
        self._forget_state()

    async def _open(self) -> Addresses:
        """Ray starts while the servers do: both take seconds, and neither needs the other."""
        servers = asyncio.create_task(self._stack.start())
        await asyncio.sleep(0)  # its first step takes the data directory, which may be somebody else's
        if servers.done():
            return await servers
        try:
            await self._runtime.open()
        except BaseException:
            servers.cancel()
            await asyncio.gather(servers, return_exceptions=True)
            raise
        return await servers

    async def _start_callout(self) -> None:
        if self.settings.auth.mode == "jwt" and self._stack.issuer_seed:
            self._callout = AuthCallout(
                self.settings.nats.url, self._stack.issuer_seed, ACCOUNT, self.settings.auth
            )
            await self._callout.start()

    def kill_gateway(self) -> None:
        """For an end at once: it would finish its turns first."""
        pid = self.gateway.told()["pid"] if self.gateway else None
        if pid:
            os.kill(pid, signal.SIGKILL)

    def state(self) -> dict[str, Any]:
        """What `copilot status` and `copilot config show` print of a running system; no secrets."""
        if self.addresses is None or self.gateway is None:
            raise RuntimeError("the system has not been started")
        urls = asdict(self.addresses)
        urls.pop("notes")
        urls.update(
            nats=self.addresses.nats_public, http=self.gateway.addresses.http, grpc=self.gateway.addresses.grpc
        )
        urls.pop("nats_public")
        return {
            "pid": os.getpid(),
            "started_ticks": started_ticks(os.getpid()),
            "runtime": self._runtime.name,
            "data_dir": str(self.settings.data_path),
            "addresses": {name: mask_url(url) if url else None for name, url in urls.items()},
            "notes": [*self.addresses.notes, *self.gateway.notes],
            "processes": self._processes(),
        }

    def _processes(self) -> list[dict[str, Any]]:
        servers = [
            {"kind": p.kind, "pool": None, "pid": p.pid, "state": str(p.state)} for p in self._stack.processes()
        ]
        actors = [
            {"kind": "actor", "pool": a.pool, "slot": a.slot, "pid": a.pid, "state": a.state}
            for a in (self.crew.actors() if self.crew else ())
        ]
        own = {"kind": "supervisor", "pool": None, "pid": os.getpid(), "state": "ready"}
        gateway = [self.gateway.told()] if self.gateway else []
        return [own, *gateway, *servers, *actors]

    async def _refresh_state(self) -> None:
        """A process that was started again has another pid: what the file says is kept true."""
        written = self.state()
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                state = self.state()
                if state != written:
                    self._write_state(state)
                    written = state
            except FileNotFoundError:
                continue  # the gateway is being started again and has not told yet
            except (OSError, ValueError) as error:
                # A full disk, no descriptors: the file is old until they are there again.
                log.warning("system.state_not_written", error=repr(error))

    def _write_state(self, state: dict[str, Any]) -> None:
        path = self.settings.data_path / STATE_FILE
        part = path.with_suffix(".part")
        part.write_text(json.dumps(state, indent=2), encoding="utf-8")
        part.replace(path)

    def _forget_state(self) -> None:
        """Removes our own file: a start that found the directory in use must leave the other one's."""
        path = self.settings.data_path / STATE_FILE
        running = find(self.settings.data_path)
        if running is None or running.pid == os.getpid():
            path.unlink(missing_ok=True)


def make_runtime(data_path: Path, options: Options) -> Runtime:
    if options.runtime == "local":
        return LocalRuntime()
    from actors.platform.pool.ray import RayRuntime  # importing ray takes a second; local mode goes without

    return RayRuntime(data_path, options.ray_address)


def effective(settings: Settings, addresses: Addresses) -> Settings:
    """The settings with the addresses that are in fact used."""
    orchestrator = settings.orchestrator
    if not orchestrator.url and orchestrator.backend == "shop":
        orchestrator = orchestrator.model_copy(update={"url": addresses.shop or ""})
    return settings.model_copy(
        update={
            "data_dir": str(settings.data_path),
            "nats": settings.nats.model_copy(update={"url": addresses.nats}),
            "database": settings.database.model_copy(update={"url": addresses.postgresql}),
            "redis": settings.redis.model_copy(update={"url": addresses.redis}),
            "observatory": settings.observatory.model_copy(update={"prometheus_url": addresses.prometheus or ""}),
            "orchestrator": orchestrator,
        }
    )
