"""The real servers of a test run, from the same code that `copilot up` uses, on an event loop of their own."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from actors.embedded.nats import NatsPermissions
from actors.embedded.stack import Addresses, EmbeddedStack
from actors.platform import config
from actors.platform.config import Settings
from actors.platform.store.migrate import migrate
from schemas.subjects import client_publish, client_subscribe
from tests.support.classifiers import SHARED

TEMPLATE = "template_copilot"
SHARED_PACKAGES = config.default_data_path() / "packages"


@dataclass(frozen=True)
class Servers:
    """`settings` name the addresses in use; `database()` is a fresh copy of the migrated schema."""

    addresses: Addresses
    settings: Settings
    stack: EmbeddedStack

    def pid(self, name: str) -> int:
        """Of a server's process; it is started again when it ends."""
        return next(one.pid for one in self.stack.processes() if one.kind == name and one.pid)

    @contextmanager
    def database(self) -> Iterator[str]:
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.addresses.postgresql, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield self.addresses.postgresql.replace("@/copilot?", f"@/{name}?")
        finally:
            with psycopg.connect(self.addresses.postgresql, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def data_directory() -> Iterator[Path]:
    """Short, and passable for the database's own user."""
    path = Path(tempfile.mkdtemp(prefix="copilot-test-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def settings_for(data: Path, **environment: str) -> Settings:
    """The default settings with this data directory and these COPILOT_* values."""
    given = {**SHARED, "COPILOT_DATA_DIR": str(data), **environment}
    before = {name: value for name, value in os.environ.items() if name.startswith("COPILOT_")}
    for name in before:
        del os.environ[name]
    os.environ.update(given)
    try:
        return config.load()
    finally:
        for name in given:
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def running_servers(*, demo: bool, **environment: str) -> Iterator[Servers]:
    """NATS, PostgreSQL, Valkey and, with the demo, Prometheus and the shop."""
    loop = asyncio.new_event_loop()
    # The thread lives as long as the servers: the kernel ends them together with the thread that started them.
    thread = threading.Thread(target=loop.run_forever, name="servers")
    with data_directory() as data:
        thread.start()
        without = {} if demo else {"COPILOT_OBSERVATORY__PROMETHEUS_URL": "http://127.0.0.1:9"}
        settings = settings_for(data, COPILOT_NATS__PORT="0", **{**without, **environment})
        stack = EmbeddedStack(
            settings, demo, NatsPermissions(client_publish(), client_subscribe()), packages=SHARED_PACKAGES
        )
        try:
            addresses = asyncio.run_coroutine_threadsafe(_start(stack), loop).result(300)
            yield Servers(addresses, _effective(settings, addresses), stack)
        finally:
            asyncio.run_coroutine_threadsafe(stack.stop(), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


async def _start(stack: EmbeddedStack) -> Addresses:
    addresses = await stack.start()
    with psycopg.connect(addresses.postgresql, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    await migrate(addresses.postgresql.replace("@/copilot?", f"@/{TEMPLATE}?"))
    return addresses


def _effective(settings: Settings, addresses: Addresses) -> Settings:
    from actors.cli.system import effective

    return effective(settings, addresses)
