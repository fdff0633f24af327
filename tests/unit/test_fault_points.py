"""Fault points: inert unless installed, counted, once among processes, and effective in a child."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from actors.platform.guard.fault_points import POINTS, VARIABLE, Fault, fault_point, installed, to_variable
from schemas.errors import Unavailable

ROOT = Path(__file__).parents[2]


async def fails() -> bool:
    try:
        await fault_point("store.commit.after")
    except Unavailable:
        return True
    return False


async def test_without_a_plan_nothing_happens() -> None:
    assert not await fails()


async def test_it_happens_at_the_counted_passages_only() -> None:
    with installed(Fault(at="store.commit.after", do="fail", nth=2, times=2)):
        assert [await fails() for _ in range(5)] == [False, True, True, False, False]
    assert not await fails()


async def test_other_points_do_not_count() -> None:
    with installed(Fault(at="store.commit.after", do="fail", times=0)):
        await fault_point("store.commit.before")
        assert [await fails() for _ in range(3)] == [True, True, True]


async def test_a_mark_makes_it_happen_once_among_all(tmp_path: Path) -> None:
    fault = Fault(at="store.commit.after", do="fail", times=0, mark=str(tmp_path / "happened"))
    with installed(fault):
        assert [await fails(), await fails()] == [True, False]
    with installed(fault):
        assert not await fails()
    assert (tmp_path / "happened").exists()


async def test_a_delay_lets_others_go_first() -> None:
    with installed(Fault(at="store.commit.after", do="delay", seconds=0.05)):
        started = time.monotonic()
        await fault_point("store.commit.after")
        assert time.monotonic() - started >= 0.05


def test_the_environment_installs_it_in_a_child() -> None:
    script = (
        "import asyncio\nfrom actors.platform.guard.fault_points import fault_point\n"
        "asyncio.run(fault_point('store.commit.before'))\nprint('first')\n"
        "asyncio.run(fault_point('store.commit.before'))\nprint('second')\n"
    )
    plan = to_variable(Fault(at="store.commit.before", do="kill", nth=2))
    done = subprocess.run(
        [sys.executable, "-u", "-c", script], cwd=ROOT, env={**os.environ, VARIABLE: plan}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "first\n"), done.stderr


def test_a_point_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate({"at": "store.commit.midway", "do": "kill"})


def test_every_point_is_passed_in_production_code_and_no_other() -> None:
    """A test that waits for a point which nobody passes would wait for nothing."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "actors").rglob("*.py"))
    passed = set(re.findall(r'await fault_point\("([a-z._]+)"\)', sources))
    assert passed == POINTS
