"""Actors that die at every point of a step's way: the run ends, each effect is applied once, the history is the
same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from actors.platform.config import Settings
from actors.platform.guard.fault_points import Fault, FaultPoint
from tests.support.waiting import eventually
from tests.support.workflows import WorkflowStage, story

pytestmark = pytest.mark.integration

POINTS = tuple(point for point in get_args(FaultPoint) if point.startswith("workflow."))
MIXED: dict[str, Any] = {
    "name": "mixed",
    "inputs": {"names": {"type": "array", "default": ["a"]}},
    "steps": [
        {"id": "pure", "uses": "lab.pure", "with": {"value": 1}},
        {"id": "probe", "uses": "lab.probe", "needs": ["pure"],
         "with": {"value": "${{ steps.pure.output.value + 1 }}"}},
        {"id": "each", "uses": "lab.keyed", "needs": ["probe"], "for_each": "inputs.names",
         "with": {"value": "${{ item }}"}},
        {"id": "no", "uses": "lab.keyed", "needs": ["each"], "if": "false || size(inputs.names) > 1"},
        {"id": "end", "uses": "lab.keyed", "needs": ["each"],
         "with": {"value": "${{ steps.each.output[0].value }}"}},
    ],
    "outputs": {"end": "${{ steps.end.output.value }}"},
}  # fmt: skip
ONCE = {"pure::do": 1, "probe::do": 1, "each:0:do": 1, "end::do": 1}


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[WorkflowStage]:
    stage = await WorkflowStage.set(settings, lease=0.4)
    yield stage
    await stage.clear()


CASES = [(point, 1) for point in POINTS] + [(point, 2) for point in POINTS if ".step." in point]
STORY = [
    "run.started",
    "step.started pure",
    "step.succeeded pure 1",
    "step.started probe",
    "step.succeeded probe 2",
    "step.started each[0]",
    "step.succeeded each[0] a",
    "step.succeeded each",
    "step.skipped no",
    "step.started end",
    "step.succeeded end a",
    "run.succeeded",
]


async def disturbed(stage: WorkflowStage, *faults: Fault) -> None:
    """The first actor dies of the faults; the second one finds what it has left."""
    first = await stage.child("workflow-0", *faults)
    run_id = await stage.begin(MIXED)
    await eventually(first.has_ended)
    await stage.child("workflow-1")
    run = await stage.ended(run_id)
    assert (run.status, run.outputs) == ("succeeded", {"end": "a"})
    assert stage.effects() == ONCE
    assert story(await stage.history(run.id)) == STORY
    await eventually(stage.all_told)


async def test_undisturbed(stage: WorkflowStage) -> None:
    await stage.child()
    run = await stage.ended(await stage.begin(MIXED))
    assert story(await stage.history(run.id)) == STORY
    assert stage.effects() == ONCE


@pytest.mark.parametrize(("point", "nth"), CASES)
async def test_killed_at(stage: WorkflowStage, point: FaultPoint, nth: int) -> None:
    await disturbed(stage, Fault(at=point, do="kill", nth=nth))
