"""What `core.command` asks and answers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

LARGEST_TEXT_BYTES = 256 << 10
"""Of what is given: input, files."""
LARGEST_OUTPUT_BYTES = 64 << 10
"""Of each of the two streams that comes back; what is beyond is read and dropped."""

Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
FileText = Annotated[str, Field(max_length=LARGEST_TEXT_BYTES)]
_FILE = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")


class CommandAsks(BaseModel):
    """A program with its arguments; no shell reads them unless one is the program. `files`: written into the
    temporary directory that it runs in, by relative name. `env`: its variables; `pass`: those of this process that
    it may see, of those that `[workflow] command_environment` lists. `expect`: exit codes that are no failure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: tuple[Annotated[str, Field(max_length=65_536)], ...] = Field(min_length=1, max_length=1_000)
    stdin: str = Field(default="", max_length=LARGEST_TEXT_BYTES)
    files: dict[str, Annotated[str, Field(max_length=LARGEST_TEXT_BYTES)]] = Field(
        default_factory=dict, max_length=50
    )
    env: dict[Variable, str] = Field(default_factory=dict, max_length=100)
    pass_: tuple[Variable, ...] = Field(default=(), alias="pass", max_length=100)
    expect: tuple[Annotated[int, Field(ge=0, le=255)], ...] = Field(default=(0,), min_length=1, max_length=50)

    @field_validator("command")
    @classmethod
    def _a_program(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if not command[0] or any("\0" in part for part in command):
            raise ValueError("a program's name is not empty, and nothing has a NUL in it")
        return command

    @field_validator("env")
    @classmethod
    def _no_nul(cls, env: dict[str, str]) -> dict[str, str]:
        if any("\0" in value for value in env.values()):
            raise ValueError("nothing has a NUL in it")
        return env

    @field_validator("files")
    @classmethod
    def _relative(cls, files: dict[str, str]) -> dict[str, str]:
        for name in files:
            if (
                len(name) > 200
                or not _FILE.fullmatch(name)
                or not all(part.strip(".") for part in name.split("/"))
            ):
                raise ValueError(f"{name[:200]!r} is no relative name of letters, digits and . _ - /")
        return files


class Isolation(BaseModel):
    """What holds the command in; false is what this machine does not offer."""

    network: bool
    """It has none."""
    processes: bool
    """It reaches no other process, and all that it started ends with it."""
    files: bool
    """It reads programs, libraries and /etc, writes its own directory, and opens nothing else."""
    user: str
    """That it runs as."""


class CommandAnswer(BaseModel):
    """Texts as UTF-8, what is none replaced. A program that a signal has ended has 128 and the signal's number as
    its exit code, one that cannot be started 127."""

    exit_code: int
    stdout: str
    stderr: str
    truncated: bool
    seconds: float
    isolation: Isolation
