"""Runs on real NATS and PostgreSQL: graphs, values, retries, waits, questions, control."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from actors.platform.config import Settings
from tests.support.workflows import BOB, CAROL, WorkflowStage, chain, steps, story

pytestmark = pytest.mark.integration


@pytest.fixture
async def stage(settings: Settings) -> AsyncIterator[WorkflowStage]:
    stage = await WorkflowStage.set(settings)
    yield stage
    await stage.clear()


async def test_a_chain_runs_to_its_end_with_a_numbered_history(stage: WorkflowStage) -> None:
    await stage.actor()
    accepted = await stage.start(chain(3))
    run = await stage.ended(accepted.id or "")
    assert run.status == "succeeded"
    assert [state.status for state in run.steps] == ["succeeded"] * 3
    events = await stage.history(run.id)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert story(events) == [
        "run.started",
        *(line for n in range(3) for line in (f"step.started s{n}", f"step.succeeded s{n} {n}")),
        "run.succeeded",
    ]
    assert stage.effects() == {f"s{n}::do": 1 for n in range(3)}
    assert steps(run)["s1"].attempt == 1


async def test_values_go_from_step_to_step_and_out(stage: WorkflowStage) -> None:
    await stage.actor()
    accepted = await stage.start(
        {
            "name": "values",
            "inputs": {"names": {"type": "array", "default": ["a", "b", "c"]}},
            "steps": [
                {"id": "each", "uses": "lab.keyed", "for_each": "inputs.names", "with": {"value": "${{ item }}!"}},
                {"id": "sum", "uses": "core.set", "needs": ["each"],
                 "with": {"values": {"all": "${{ steps.each.output.map(o, o.value) }}"}}},
                {"id": "no", "uses": "lab.keyed", "needs": ["sum"], "if": "size(steps.sum.output.all) > 5"},
                {"id": "after_no", "uses": "lab.keyed", "needs": ["no"]},
            ],
            "outputs": {"all": "${{ steps.sum.output.all }}"},
        }
    )  # fmt: skip
    run = await stage.ended(accepted.id or "")
    found = steps(run)
    assert (run.status, run.outputs) == ("succeeded", {"all": ["a!", "b!", "c!"]})
    assert {name: state.status for name, state in found.items()} == {
        "each": "succeeded", "each[0]": "succeeded", "each[1]": "succeeded", "each[2]": "succeeded",
        "sum": "succeeded", "no": "skipped", "after_no": "skipped",
    }  # fmt: skip
    assert stage.effects() == {"each:0:do": 1, "each:1:do": 1, "each:2:do": 1}


async def test_a_failure_is_tried_again_with_the_same_key_and_then_fails_for_good(stage: WorkflowStage) -> None:
    await stage.actor()
    retry = {"max_attempts": 3, "initial_delay": "10ms"}
    accepted = await stage.start(
        {
            "name": "retries",
            "on_failure": "continue",
            "steps": [
                {"id": "twice", "uses": "lab.keyed", "with": {"fail": 2}, "retry": retry},
                {"id": "thrice", "uses": "lab.keyed", "with": {"fail": 3}, "retry": retry},
                {"id": "broken", "uses": "lab.keyed", "with": {"broken": True}, "retry": retry},
                {"id": "behind", "uses": "lab.keyed", "needs": ["broken"]},
                {"id": "beside", "uses": "lab.keyed", "needs": ["twice"]},
            ],
        }
    )
    run = await stage.ended(accepted.id or "")
    found = steps(run)
    assert run.status == "failed"
    assert {name: (state.status, state.attempt) for name, state in found.items()} == {
        "twice": ("succeeded", 3), "thrice": ("failed", 3), "broken": ("failed", 1), "behind": ("skipped", 0),
        "beside": ("succeeded", 1),
    }  # fmt: skip
    assert stage.effects() == {"twice::do": 1, "beside::do": 1}
    assert stage.calls() == {"twice::do": 3, "thrice::do": 3, "broken::do": 1, "beside::do": 1}
    assert run.error is not None
    assert run.error.detail.startswith("step broken failed: ")


async def test_compensation_goes_backwards_and_tells_what_it_could_not_take_back(stage: WorkflowStage) -> None:
    await stage.actor()

    def step(n: int, undo: str = "lab.keyed", **asks: object) -> dict[str, object]:
        needs = [f"s{n - 1}"] if n else []
        return {"id": f"s{n}", "uses": "lab.keyed", "needs": needs, "compensate": {"uses": undo, "with": asks}}

    bad = {"id": "bad", "uses": "lab.keyed", "needs": ["s2"], "with": {"broken": True}}
    definition = {"name": "undo", "on_failure": "compensate", "steps": [step(0), step(1), step(2), bad]}
    run = await stage.ended((await stage.start(definition)).id or "")
    assert run.status == "compensated"
    assert [state.status for state in run.steps] == ["compensated"] * 3 + ["failed"]
    order = [row["key"].split(":", 1)[1] for row in stage.rows("SELECT key FROM lab_effect ORDER BY id")]
    assert order == ["s0::do", "s1::do", "s2::do", "s2::undo", "s1::undo", "s0::undo"]

    stuck = {**definition, "name": "stuck", "steps": [step(0), step(1, broken=True), step(2), bad]}
    run = await stage.ended((await stage.start(stuck)).id or "")
    assert (run.status, run.error and run.error.type) == ("failed", "not-taken-back")
    assert [state.status for state in run.steps] == ["compensated", "succeeded", "compensated", "failed"]


async def test_an_approval_lets_the_run_go_on_and_nobody_approves_their_own(stage: WorkflowStage) -> None:
    await stage.actor()
    accepted = await stage.start(
        {
            "name": "release",
            "steps": [
                {"id": "go", "uses": "core.approval", "with": {"title": "Release?", "quorum": 2}},
                {"id": "rollout", "uses": "lab.unsafe", "needs": ["go"],
                 "if": "steps.go.output.decision == 'approve'"},
            ],
        }
    )  # fmt: skip
    item = await stage.asked(accepted.id or "")
    assert [step.id for step in item.plan] == ["rollout"]
    assert (await stage.get(accepted.id or "")).status == "waiting_approval"
    first = await stage.decide(item, "approve", BOB, comment="looks good")
    assert (first.outcome, first.approvals, first.quorum) == (None, 1, 2)
    second = await stage.decide(item, "approve", CAROL)
    assert (second.outcome, second.approvals) == ("approve", 2)
    run = await stage.ended(accepted.id or "")
    assert run.status == "succeeded"
    output = steps(run)["go"].output
    assert (output["decision"], [one["by"] for one in output["decisions"]]) == ("approve", ["bob", "carol"])
    assert stage.effects() == {"rollout::do": 1}
