"""One-shot commands: initdb, apt-get, dpkg-deb."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from actors.embedded.account import Account, bound_to_parent


class ToolFailed(RuntimeError):
    """A command ended with a non-zero code, or not in time; `output` is what it printed on both channels."""

    def __init__(self, command: str, reason: str, output: str) -> None:
        lines = [line for line in output.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("E: ")]  # apt's first says most, others' last
        super().__init__(": ".join((f"{command} {reason}", *(errors[:1] or lines[-1:]))))
        self.output = output


async def run(
    *argv: str,
    env: Mapping[str, str],
    cwd: Path | None = None,
    account: Account | None = None,
    timeout: float = 60.0,
) -> str:
    """Runs a command to its end and returns what it printed. Raises ToolFailed; `timeout` in seconds."""
    process = await asyncio.create_subprocess_exec(
        *bound_to_parent(argv, signal.SIGKILL, account),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
    )
    name = Path(argv[0]).name
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError as error:
        raise ToolFailed(name, f"did not end within {timeout:g} s", "") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    output = printed.decode(errors="replace")
    if process.returncode:
        raise ToolFailed(name, f"failed with code {process.returncode}", output)
    return output


async def succeeds(*argv: str, env: Mapping[str, str], account: Account | None = None) -> bool:
    try:
        await run(*argv, env=env, account=account, cwd=Path("/"))
    except ToolFailed:
        return False
    return True
