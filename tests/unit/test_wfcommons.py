"""Reading WfFormat: every edge, every runtime; and what a run's history is held against."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.workflow.actions.catalogue import ASKS
from actors.workflow.definition import load
from schemas.steps import StepState
from schemas.workflow import Run
from tests.eval import wfcommons
from tests.eval.wfcommons import NotAnInstance
from tests.support.wfformat import document, layered

START = datetime(2026, 3, 10, 12, tzinfo=UTC)
DIAMOND: dict[str, list[str]] = {"a_1": [], "b_1": ["a_1"], "b_2": ["a_1"], "c_1": ["b_1", "b_2"]}
SECONDS = {"a_1": 1.0, "b_1": 5.0, "b_2": 2.0, "c_1": 0.5}


def diamond() -> wfcommons.Instance:
    return wfcommons.read(json.dumps(document(DIAMOND, SECONDS)))


def test_tasks_edges_and_runtimes() -> None:
    found = diamond()
    assert found.name == "made-up-chameleon-1"
    assert {task: set(parents) for task, parents in found.needs.items()} == {k: set(v) for k, v in DIAMOND.items()}
    assert found.seconds == SECONDS
    assert found.critical_path() == 6.5
    assert found.critical_path(0.1) == pytest.approx(0.65)


def test_an_edge_is_taken_from_either_end() -> None:
    whole = document(DIAMOND, SECONDS)
    for side in ("parents", "children"):
        tasks = [{**task, side: []} for task in whole["workflow"]["specification"]["tasks"]]
        half = {**whole, "workflow": {"specification": {"tasks": tasks}}}
        found = wfcommons.read(json.dumps(half))
        assert sorted(found.edges) == sorted(diamond().edges)
        assert set(found.seconds.values()) == {0.0}, "no execution was recorded"


def changed(**more: Any) -> str:
    return json.dumps({**document(DIAMOND, SECONDS), **more})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not WfFormat"),
        (changed(workflow={"tasks": []}), "specification"),
        (changed(schemaVersion="1.4"), "version 1.4"),
        (json.dumps(document({"a": ["b"], "b": ["a"]}, {})), "a cycle: "),
        (json.dumps(document({"a": []}, {"a": -1})), "greater than or equal to 0"),
        (changed(workflow={"specification": {"tasks": [{"id": "a", "parents": ["z"]}]}}), "from z to a"),
        (changed(workflow={"specification": {"tasks": [{"id": "a"}, {"id": "a"}]}}), "same id"),
    ],
)
def test_what_is_no_instance_is_said(text: str, said: str) -> None:
    with pytest.raises(NotAnInstance, match=said):
        wfcommons.read(text)


def test_a_runtime_is_waited_for_to_scale_and_nothing_is_waited_for_without() -> None:
    steps = {step["id"]: step for step in wfcommons.definition(diamond(), 0.01)["steps"]}
    assert steps["b_1"] == {"id": "b_1", "needs": ["a_1"], "uses": "core.wait", "with": {"duration": "50ms"}}
    assert steps["c_1"]["with"] == {"duration": "5ms"}
    assert {step["uses"] for step in wfcommons.definition(diamond())["steps"]} == {"core.noop"}
    assert wfcommons.definition(diamond(), 0.0001)["steps"][0]["uses"] == "core.noop"


def test_names_that_no_step_can_have_become_ones_that_it_can() -> None:
    names = ["a.b", "a:b", "a_b", "1st", "ok-1", "é" * 200]
    found = wfcommons.step_ids(names)
    assert found == {
        "a.b": "a_b",
        "a:b": "a_b_2",
        "a_b": "a_b_3",
        "1st": "_1st",
        "ok-1": "ok-1",
        "é" * 200: "_" * 90,
    }


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.integers(0, 10_000))
def test_any_instance_becomes_a_definition_that_can_run_with_all_its_edges(widths: list[int], seed: int) -> None:
    instance = wfcommons.read(json.dumps(layered(widths, seed)))
    plan = load.plan(wfcommons.definition(instance, 0.001), ASKS)
    ids = wfcommons.step_ids(list(instance.needs))
    assert {id: set(step.needs) for id, step in plan.steps.items()} == {
        ids[task]: {ids[parent] for parent in parents} for task, parents in instance.needs.items()
    }


def test_the_size_of_the_design_is_converted_at_once() -> None:
    instance = wfcommons.read(json.dumps(layered([1, 115, 115, 1_890, 1])))
    assert len(instance.needs) == 2_122
    assert len(load.plan(wfcommons.definition(instance), ASKS).steps) == 2_122


def run_of(times: dict[str, tuple[float, float]], **changed: Any) -> Run:
    steps = tuple(
        StepState(
            id=task,
            uses="core.wait",
            status="succeeded",
            attempt=1,
            started_at=START + timedelta(seconds=begin),
            finished_at=START + timedelta(seconds=end),
        ).model_copy(update=changed.get(task, {}))
        for task, (begin, end) in times.items()
    )
    return Run.model_construct(id="o.1", status="succeeded", steps=steps)


GOOD = {"a_1": (0.0, 1.0), "b_1": (1.0, 6.1), "b_2": (1.0, 3.0), "c_1": (6.1, 6.7)}


def test_a_good_history_holds() -> None:
    report = wfcommons.check(diamond(), run_of(GOOD), 1.0)
    assert (report.tasks, report.edges, report.holds) == (4, 4, True)
    assert (report.makespan, report.critical_path) == (6.7, 6.5)
    assert report.overhead == pytest.approx(0.2)


def test_a_child_before_its_parent_s_end_is_found() -> None:
    report = wfcommons.check(diamond(), run_of({**GOOD, "c_1": (2.9, 6.7)}), 1.0)
    assert set(report.early) == {("b_1", "c_1"), ("b_2", "c_1")}
    assert not report.holds


@pytest.mark.parametrize("state", [{"status": "skipped"}, {"attempt": 2}, {"finished_at": None}])
def test_a_task_that_was_not_done_once_is_found(state: dict[str, Any]) -> None:
    assert not wfcommons.check(diamond(), run_of(GOOD, b_2=state), 1.0).holds


def test_a_run_faster_than_its_critical_path_has_not_waited() -> None:
    quick = {task: (begin / 10, end / 10) for task, (begin, end) in GOOD.items()}
    report = wfcommons.check(diamond(), run_of(quick), 1.0)
    assert not report.early
    assert not report.holds
