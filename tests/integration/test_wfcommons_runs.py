"""Graphs of the shape of recorded ones, run by the engine: every edge respected, no slower than they must be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from actors.platform.config import Settings
from tests.eval import wfcommons
from tests.support.wfformat import layered
from tests.support.workflows import WorkflowStage

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[WorkflowStage]:
    stage = await WorkflowStage.set(settings, lease=30.0)
    yield stage
    await stage.clear()


async def ran(stage: WorkflowStage, widths: list[int], scale: float, seconds: float) -> wfcommons.Report:
    instance = wfcommons.read(json.dumps(layered(widths)))
    await stage.actor()
    accepted = await stage.start(wfcommons.definition(instance, scale))
    return wfcommons.check(instance, await stage.ended(accepted.id or "", seconds), scale)


async def test_a_pipeline_takes_its_critical_path_and_little_more(stage: WorkflowStage) -> None:
    """Waits hold nothing: a hundred of them side by side take no longer than the longest."""
    report = await ran(stage, [1, 12, 40, 40, 6, 1], 0.02, 30.0)
    assert report.holds, report
    assert report.tasks == 100
    assert report.critical_path > 0.5
    assert report.overhead < 3.0


async def test_two_thousand_tasks_most_of_them_side_by_side(stage: WorkflowStage) -> None:
    report = await ran(stage, [1, 115, 115, 1_890, 1], 0.0, 60.0)
    assert report.holds, (report.early[:5], report.unfinished[:5])
    assert report.makespan < 15.0
