"""The closed database of Prometheus: which samples it will show, and how blocks are put into it.

Opening the database, Prometheus drops from its write-ahead log all that lies before the end of the newest
block, unless the block says that it came from out-of-order samples. Blocks put in here say so, or the last
hours of live samples, which are in that log only, would be lost.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from actors.embedded.tool import run

FROM_OUT_OF_ORDER = "from-out-of-order"
IMPORT_SECONDS = 600.0
_SCRATCH = ".fill-"
_BLOCK = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_SAMPLE = re.compile(r'^\{.*?service="([^"]+)".*\} \S+ (-?\d+)$', re.MULTILINE)

Stamps = NDArray[np.int64]
"""Times of samples in milliseconds since the Unix epoch, as Prometheus has them; ascending."""


@dataclass(frozen=True, slots=True)
class Database:
    """`directory` is Prometheus' `--storage.tsdb.path`; no Prometheus may have it open."""

    directory: Path
    promtool: Path

    def blocks(self) -> list[Path]:
        return sorted(path for path in self.directory.iterdir() if _BLOCK.fullmatch(path.name))

    async def stamps(self, metric: str, start: int) -> dict[str, Stamps]:
        """By label `service`, the times of the samples of `metric` since `start` that Prometheus will show.

        Raises ToolFailed where promtool cannot read the database.
        """
        with self.scratch() as scratch:
            blocks = await asyncio.to_thread(self._link_blocks, scratch / "blocks", start)
            of_blocks = await self._dump(blocks, metric, start)
            log = await asyncio.to_thread(self._copy_log, scratch / "log")
            of_log = await self._dump(log, metric, max(start, self.log_floor()))
        names = of_blocks.keys() | of_log.keys()
        nothing = np.zeros(0, np.int64)
        return {
            name: np.union1d(of_blocks.get(name, nothing), of_log.get(name, nothing)).astype(np.int64)
            for name in names
        }

    def log_floor(self) -> int:
        """What the write-ahead log holds before this time, in milliseconds, Prometheus will drop."""
        ends = [0]
        for block in self.blocks():
            meta = _meta(block)
            if FROM_OUT_OF_ORDER not in meta["compaction"].get("hints", []):
                ends.append(int(meta["maxTime"]))
        return max(ends)

    def forget_log(self) -> None:
        """Remove the write-ahead log, which nobody can read, and the chunks that belong to it."""
        for name in ("wal", "chunks_head"):
            shutil.rmtree(self.directory / name, ignore_errors=True)

    async def adopt(self, text: Path) -> None:
        """Put the samples of an OpenMetrics file into the database. Raises ToolFailed."""
        with self.scratch() as scratch:
            made = scratch / "made"
            made.mkdir()
            await self._promtool("create-blocks-from", "openmetrics", "--quiet", str(text), str(made))
            for block in made.iterdir():
                if _BLOCK.fullmatch(block.name):
                    _mark_out_of_order(block)
                    block.rename(self.directory / block.name)

    @contextmanager
    def scratch(self) -> Generator[Path]:
        """A directory on the same file system, gone afterwards; Prometheus does not look into it."""
        with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=self.directory) as name:
            yield Path(name)

    def tidy(self) -> None:
        """Make the directory when it is missing; remove what a fill that was killed has left."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for path in self.directory.glob(f"{_SCRATCH}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _link_blocks(self, place: Path, start: int) -> Path:
        (place / "wal").mkdir(parents=True)
        for block in self.blocks():
            if int(_meta(block)["maxTime"]) > start:
                _link_tree(block, place / block.name)
        return place

    def _copy_log(self, place: Path) -> Path:
        # A copy, without blocks: promtool repairs what it opens, and would hide what lies before their end.
        place.mkdir()
        for name in ("wal", "chunks_head"):
            if (self.directory / name).is_dir():
                shutil.copytree(self.directory / name, place / name)
        (place / "wal").mkdir(exist_ok=True)
        return place

    async def _dump(self, place: Path, metric: str, start: int) -> dict[str, Stamps]:
        printed = await self._promtool("dump", f"--min-time={start}", f"--match={metric}", str(place))
        found: dict[str, list[int]] = {}
        for service, stamp in _SAMPLE.findall(printed):
            found.setdefault(service, []).append(int(stamp))
        return {service: np.unique(np.array(stamps, np.int64)) for service, stamps in found.items()}

    async def _promtool(self, *arguments: str) -> str:
        env: Mapping[str, str] = {"LC_ALL": "C"}
        return await run(
            str(self.promtool), "tsdb", *arguments, env=env, cwd=self.directory, timeout=IMPORT_SECONDS
        )


def _meta(block: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads((block / "meta.json").read_text("utf-8")))


def _mark_out_of_order(block: Path) -> None:
    meta = _meta(block)
    meta["compaction"]["hints"] = [FROM_OUT_OF_ORDER]
    (block / "meta.json").write_text(json.dumps(meta, indent="\t"), "utf-8")


def _link_tree(source: Path, target: Path) -> None:
    """The same files under another name: blocks never change once they are written."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(path)
