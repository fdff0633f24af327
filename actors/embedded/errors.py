"""What can go wrong with an embedded server.

EmbeddedError               str(error) is one paragraph for a person, with the remedy
├── ServerUnavailable       the server cannot be had or started here
├── DataDirectoryInUse      another process works on this data directory
└── DataDirectoryUnusable   it cannot be made or written
"""

from __future__ import annotations

from pathlib import Path


class EmbeddedError(RuntimeError):
    pass


class ServerUnavailable(EmbeddedError):
    def __init__(self, server: str, message: str) -> None:
        super().__init__(message)
        self.server = server


class DataDirectoryInUse(EmbeddedError):
    """`pid` is the process that holds the directory; 0 when it could not be read."""

    def __init__(self, path: Path, pid: int) -> None:
        super().__init__(
            f"{path} is in use by process {pid or '(unknown)'}: stop it with `copilot down`, "
            "or set COPILOT_DATA_DIR to another directory"
        )
        self.path = path
        self.pid = pid


class DataDirectoryUnusable(EmbeddedError):
    def __init__(self, path: Path, reason: OSError) -> None:
        super().__init__(
            f"the data directory {path} cannot be used ({reason}): set COPILOT_DATA_DIR to one that you may write"
        )
        self.path = path
